//! The operator's own program against an API server without nodes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use slipway_e2e::local_cluster::client::Objects;
use slipway_e2e::local_cluster::{ApiServer, start_api_server};
use slipway_e2e::scenario::eventually;
use tempfile::TempDir;

/// What the operator calls itself in the audit log.
const AGENT: &str = "slipway-operator/";

/// An API server with our kinds, and the operator.
pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) objects: Objects,
    pub(crate) server: ApiServer,
    pub(crate) folder: TempDir,
    operator: Option<Child>,
    arguments: Vec<String>,
    kubeconfig: Option<PathBuf>,
    verbosity: &'static str,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() || std::env::var_os("SLIPWAY_KEEP_LOGS").is_some() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "the operator's last words:\n{}",
                lines[lines.len().saturating_sub(60)..].join("\n")
            );
        }
    }
}

/// A program of the workspace, built beside this test.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("a target folder")?;
    let path = folder.join(name);
    if !path.exists() {
        bail!("{} is missing: cargo build --workspace", path.display());
    }
    Ok(path)
}

/// The folder with kubectl, and the one with helm.
pub(crate) fn tools() -> Result<(PathBuf, PathBuf)> {
    use slipway_e2e::progress::Progress;
    use slipway_e2e::tools::{Tools, go};
    let (kubernetes, _) = Tools::prepare_api_server(Progress::new())?;
    Ok((kubernetes, go::CLIENTS.build(Progress::new())?))
}

fn answer_of(program: &str, output: std::process::Output) -> Result<String> {
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An API server whose controllers work: on a busy machine they can give up before it answers.
async fn running_server() -> Result<(ApiServer, Client)> {
    let mut last = None;
    for _ in 0..3 {
        let server = start_api_server().await?;
        let client = server.client().await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
        let works = eventually(Duration::from_secs(40), "the controllers work", || async {
            Ok(accounts.get("default").await.map(drop)?)
        });
        match works.await {
            Ok(()) => return Ok((server, client)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("never tried")?)
}

impl Stage {
    /// Starts everything; `arguments` are the operator's.
    pub(crate) async fn set(arguments: &[&str]) -> Result<Self> {
        let mut stage = Self::empty().await?;
        stage.argue(arguments);
        stage.install_kinds().await?;
        stage.start()?;
        Ok(stage)
    }

    /// An API server without our kinds and without an operator.
    pub(crate) async fn empty() -> Result<Self> {
        let (server, client) = running_server().await?;
        Ok(Self {
            objects: Objects::new(&client),
            client,
            server,
            folder: tempfile::tempdir()?,
            operator: None,
            arguments: Vec::new(),
            kubeconfig: None,
            verbosity: "info,slipway_operator=debug",
        })
    }

    /// Further arguments of the operator, from its next start on.
    pub(crate) fn argue(&mut self, arguments: &[&str]) {
        self.arguments
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
    }

    /// The operator uses this kubeconfig from its next start on, and not an administrator's.
    pub(crate) fn log_in_with(&mut self, kubeconfig: PathBuf) {
        self.kubeconfig = Some(kubeconfig);
    }

    /// The operator logs all that it and its libraries can, from its next start on.
    pub(crate) fn log_everything(&mut self) {
        self.verbosity = "trace";
    }

    /// What the operator logged.
    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// kubectl as an administrator; the error holds what it complained about.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let output = tokio::process::Command::new(tools()?.0.join("kubectl"))
            .args(arguments)
            .env("KUBECONFIG", self.server.kubeconfig())
            .env("HOME", self.folder.path())
            .output()
            .await?;
        answer_of("kubectl", output)
    }

    /// Helm as an administrator.
    pub(crate) async fn helm(&self, arguments: &[&str]) -> Result<String> {
        let output = tokio::process::Command::new(tools()?.1.join("helm"))
            .args(arguments)
            .env("KUBECONFIG", self.server.kubeconfig())
            .env("HOME", self.folder.path())
            .output()
            .await?;
        answer_of("helm", output)
    }

    pub(crate) async fn install_kinds(&self) -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/crd");
        for kind in [
            "registries",
            "projects",
            "retentionpolicies",
            "replicationpolicies",
        ] {
            let text = std::fs::read_to_string(folder.join(format!("{kind}.yaml")))?;
            self.objects.apply(serde_yaml::from_str(&text)?).await?;
        }
        for kind in ["Registry", "Project"] {
            let api = self.api(kind, "default");
            eventually(Duration::from_secs(20), kind, || async {
                Ok(api.list(&Default::default()).await.map(drop)?)
            })
            .await?;
        }
        Ok(())
    }

    /// Starts the operator again.
    pub(crate) fn start(&mut self) -> Result<()> {
        self.operator = Some(self.spawn(&[])?);
        Ok(())
    }

    /// The operator's process.
    pub(crate) fn operator(&mut self) -> Result<&mut Child> {
        self.operator.as_mut().context("the operator does not run")
    }

    /// One more process of the operator, of which the caller takes care.
    pub(crate) fn spawn(&self, more: &[&str]) -> Result<Child> {
        self.spawn_as("test", more)
    }

    /// The operator of another installation.
    pub(crate) fn spawn_other(&self, installation: &str) -> Result<Child> {
        self.spawn_as(installation, &[])
    }

    fn spawn_as(&self, installation: &str, more: &[&str]) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = Command::new(program("slipway-operator")?)
            .args([
                "--log-format",
                "human",
                "--metrics-listen",
                "127.0.0.1:0",
                "--health-listen",
                "127.0.0.1:0",
            ])
            .args(["--installation-id", installation])
            .args(&self.arguments)
            .args(more)
            .env(
                "KUBECONFIG",
                self.kubeconfig
                    .clone()
                    .unwrap_or_else(|| self.server.kubeconfig()),
            )
            .env("RUST_LOG", self.verbosity)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(child)
    }

    /// kill -9.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.operator.take() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("operator.log")
    }

    pub(crate) fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk("slipway.dev", "v1alpha1", kind),
            match kind {
                "Registry" => "registries",
                "RetentionPolicy" => "retentionpolicies",
                "ReplicationPolicy" => "replicationpolicies",
                _ => "projects",
            },
        );
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    pub(crate) async fn namespace(&self, name: &str, labels: Value) -> Result<()> {
        let namespace = serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}}))?;
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client.clone());
        api.create(&PostParams::default(), &namespace).await?;
        Ok(())
    }

    pub(crate) async fn apply(&self, namespace: &str, object: Value) -> Result<DynamicObject> {
        self.objects.apply_in(Some(namespace), object).await
    }

    /// Waits until a condition has this reason.
    pub(crate) async fn reason(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        condition: &str,
        reason: &str,
    ) -> Result<Value> {
        let api = self.api(kind, namespace);
        let what = format!("{kind} {name}: {condition} says {reason}");
        eventually(Duration::from_secs(30), &what, || async {
            let object = api.get(name).await?;
            let conditions = &object.data["status"]["conditions"];
            let found = conditions
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["type"] == condition && one["reason"] == reason);
            found
                .cloned()
                .with_context(|| format!("conditions are {conditions}"))
        })
        .await
    }

    /// Waits until an object is gone.
    pub(crate) async fn gone(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        patience: Duration,
    ) -> Result<()> {
        let api = self.api(kind, namespace);
        eventually(patience, &format!("{kind} {name} is gone"), || async {
            match api.get_opt(name).await? {
                None => Ok(()),
                Some(object) => bail!(
                    "finalizers {:?}, {}",
                    object.metadata.finalizers,
                    object.data["status"]["conditions"]
                ),
            }
        })
        .await
    }

    /// The operator's writes so far, leases left out.
    pub(crate) fn writes(&self) -> Result<Vec<Value>> {
        let mut all = self.requests()?;
        all.retain(|line| !matches!(line["verb"].as_str(), Some("get" | "list" | "watch")));
        Ok(all)
    }

    /// The operator's requests so far, leases left out.
    pub(crate) fn requests(&self) -> Result<Vec<Value>> {
        let audit = std::fs::read_to_string(self.server.audit_log())?;
        Ok(audit
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| {
                line["userAgent"]
                    .as_str()
                    .is_some_and(|agent| agent.starts_with(AGENT))
            })
            .filter(|line| line["stage"] == "ResponseComplete")
            .collect())
    }
}

/// A Registry that needs nothing of the cluster.
pub(crate) fn registry(name: &str, more: Value) -> Value {
    let mut spec = json!({
        "hostname": "registry.example.com",
        "managed": {
            "storage": {"filesystem": {"size": "1Gi"}},
            "database": {"managed": {"size": "1Gi"}},
            "expose": {"ingress": {"tls": {"selfSigned": {}}}},
        },
    });
    merge(&mut spec, more);
    json!({"apiVersion": "slipway.dev/v1alpha1", "kind": "Registry", "metadata": {"name": name}, "spec": spec})
}

/// A Project of a Registry.
pub(crate) fn project(name: &str, registry: Value, more: Value) -> Value {
    let mut spec = json!({"registryRef": registry});
    merge(&mut spec, more);
    json!({"apiVersion": "slipway.dev/v1alpha1", "kind": "Project", "metadata": {"name": name}, "spec": spec})
}

/// Lays `more` over `base`.
pub(crate) fn merge(base: &mut Value, more: Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (key, value) in more {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, more) => *base = more,
    }
}
