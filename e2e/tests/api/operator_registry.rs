//! A real registry for the operator's tests: `slipway-registry all` with the account that the operator made.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Digest as _;
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, merge, program, registry};

/// The namespace of the Registry.
pub(crate) const HOME: &str = "registry";
/// The host name that images carry.
pub(crate) const HOST: &str = "registry.example.com";

/// An operator, a Registry object, and a process that answers for its pods.
pub(crate) struct Shop {
    pub(crate) stage: Stage,
    url: String,
    metrics: String,
    password: String,
    http: reqwest::Client,
    process: Option<Child>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.close();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Shop {
    /// Ends the registry's process.
    pub(crate) fn close(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        // Its PostgreSQL goes with it when it is asked to end.
        if let Ok(pid) = i32::try_from(process.id()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            let _gone = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        for _ in 0..200 {
            if !matches!(process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _gone = process.kill();
        let _reaped = process.wait();
    }

    /// Opens one; tenants are namespaces with the label `tenant`.
    pub(crate) async fn open(arguments: &[&str]) -> Result<Self> {
        Self::open_with(arguments, json!({})).await
    }

    /// Opens one whose Registry has more than the usual specification.
    pub(crate) async fn open_with(arguments: &[&str], more: Value) -> Result<Self> {
        slipway_e2e::install_tls_provider();
        let url = format!("http://127.0.0.1:{}", free_port()?);
        let mut all = vec!["--registry-url-template", url.as_str()];
        all.extend(arguments);
        let stage = Stage::set(&all).await?;
        stage.namespace(HOME, json!({})).await?;
        let tenancy = json!([{"namespaces": {"matchLabels": {"tenant": "true"}}, "projectNames": ["*"],
            "visibilities": ["Private", "Public"], "adoption": "IfUnmanaged", "serviceAccounts": true}]);
        let mut object = registry("main", json!({"hostname": HOST, "tenancy": tenancy}));
        merge(&mut object["spec"], more);
        stage.apply(HOME, object).await?;
        let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), HOME);
        let secret = eventually(Duration::from_secs(60), "the operator's account", || async {
            Ok(secrets.get("main-system").await?)
        })
        .await?;
        let password = String::from_utf8(secret.data.context("data")?["password"].0.clone())?;
        let mut shop = Self {
            stage,
            url,
            metrics: format!("127.0.0.1:{}", free_port()?),
            password,
            http: reqwest::Client::builder().build()?,
            process: None,
        };
        shop.reopen(&[]).await?;
        Ok(shop)
    }

    /// Starts the registry's process again, with these further settings.
    pub(crate) async fn reopen(&mut self, settings: &[(&str, &str)]) -> Result<()> {
        self.close();
        let folder = self.stage.folder.path();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("registry.log"))?;
        let listen = self.url.strip_prefix("http://").context("http://")?;
        let process = Command::new(program("slipway-registry")?)
            .args(["all", "--listen", listen, "--data-dir"])
            .arg(folder.join("data"))
            .env("SLIPWAY_METRICS_LISTEN", &self.metrics)
            .env("SLIPWAY_SYSTEM_ACCOUNT_NAME", "slipway-operator")
            .env("SLIPWAY_SYSTEM_ACCOUNT_PASSWORD", &self.password)
            .env("SLIPWAY_ADMIN_PASSWORD", "Slipway-Test-4711")
            .envs(settings.iter().copied())
            // Meant for the tests; the registry refuses settings that it does not know.
            .env_remove("SLIPWAY_KEEP_LOGS")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.process = Some(process);
        eventually(Duration::from_secs(60), "the registry answers", || async {
            self.call(Method::GET, "/api/v2.0/users/current", None)
                .await
                .map(drop)
        })
        .await
    }

    /// How many requests that change something the registry answered since its start.
    pub(crate) async fn changes(&self) -> Result<u64> {
        self.answered(&["POST", "PUT", "PATCH", "DELETE"]).await
    }

    /// How many requests the registry answered since its start.
    pub(crate) async fn requests(&self) -> Result<u64> {
        self.answered(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
            .await
    }

    async fn answered(&self, methods: &[&str]) -> Result<u64> {
        let url = format!("http://{}/metrics", self.metrics);
        let text = self.http.get(url).send().await?.text().await?;
        let mut sum = 0;
        for line in text.lines() {
            let Some(line) = line.strip_prefix("slipway_http_requests_total{") else {
                continue;
            };
            if methods
                .iter()
                .any(|method| line.contains(&format!("method=\"{method}\"")))
            {
                sum += line
                    .rsplit_once(' ')
                    .context("a metric has a value")?
                    .1
                    .parse::<u64>()?;
            }
        }
        Ok(sum)
    }

    /// A tenant's namespace.
    pub(crate) async fn tenant(&self, name: &str) -> Result<()> {
        self.stage.namespace(name, json!({"tenant": "true"})).await?;
        let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> =
            Api::namespaced(self.stage.client.clone(), name);
        eventually(Duration::from_secs(60), "the default service account", || async {
            Ok(accounts.get("default").await.map(drop)?)
        })
        .await
    }

    /// The registry as tenants name it.
    pub(crate) fn reference() -> Value {
        json!({"name": "main", "namespace": HOME})
    }

    /// A call as the operator's account; anything but success is an error.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.url))
            .basic_auth("slipway-operator", Some(&self.password));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Pushes a small image as the administrator.
    pub(crate) async fn push(&self, repository: &str, tag: &str) -> Result<()> {
        let send = async |method: Method, path: String, kind: &str, body: Vec<u8>| -> Result<()> {
            let answer = self
                .http
                .request(method, format!("{}{path}", self.url))
                .basic_auth("slipway-operator", Some(&self.password))
                .header("content-type", kind)
                .body(body)
                .send()
                .await?;
            let status = answer.status();
            ensure!(status.is_success(), "{path}: {status} {}", answer.text().await?);
            Ok(())
        };
        let digest = |bytes: &[u8]| format!("sha256:{}", hex::encode(sha2::Sha256::digest(bytes)));
        let config =
            format!("{{\"architecture\":\"amd64\",\"os\":\"linux\",\"made\":\"{tag}\"}}").into_bytes();
        let blob = digest(&config);
        let upload = format!("/v2/{repository}/blobs/uploads/?digest={blob}");
        send(Method::POST, upload, "application/octet-stream", config.clone()).await?;
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": kind, "layers": [],
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": blob, "size": config.len()}});
        let body = serde_json::to_vec(&manifest)?;
        send(
            Method::PUT,
            format!("/v2/{repository}/manifests/{tag}"),
            kind,
            body,
        )
        .await
    }

    /// Whether a name and password log in.
    pub(crate) async fn logs_in(&self, user: &str, password: &str) -> Result<bool> {
        let answer = self
            .http
            .get(format!("{}/v2/", self.url))
            .basic_auth(user, Some(password))
            .send()
            .await?;
        match answer.status() {
            StatusCode::OK => Ok(true),
            StatusCode::UNAUTHORIZED => Ok(false),
            other => bail!("/v2/ answered {other}"),
        }
    }

    /// The only robot's login and token out of a pull Secret.
    pub(crate) async fn credentials(&self, namespace: &str, secret: &str) -> Result<(String, String)> {
        let secrets: Api<Secret> = Api::namespaced(self.stage.client.clone(), namespace);
        let data = secrets.get(secret).await?.data.context("data")?;
        let config: Value = serde_json::from_slice(&data[".dockerconfigjson"].0)?;
        let entry = &config["auths"][HOST];
        let text = |key: &str| {
            entry[key]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("no {key} yet"))
        };
        Ok((text("username")?, text("password")?))
    }
}
