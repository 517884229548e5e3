//! The operator's own program against an API server without nodes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
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
pub struct Stage {
    pub client: Client,
    pub objects: Objects,
    pub server: ApiServer,
    pub folder: TempDir,
    operator: Option<Child>,
    arguments: Vec<String>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() || std::env::var_os("SLIPWAY_KEEP_LOGS").is_some() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the operator's last words:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

/// A program of the workspace, built beside this test.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("a target folder")?;
    let path = folder.join(name);
    if !path.exists() {
        bail!("{} is missing: cargo build --workspace", path.display());
    }
    Ok(path)
}

impl Stage {
    /// Starts everything; `arguments` are the operator's.
    pub async fn set(arguments: &[&str]) -> Result<Self> {
        let server = start_api_server().await?;
        let client = server.client().await?;
        let objects = Objects::new(&client);
        let mut stage = Self {
            client,
            objects,
            server,
            folder: tempfile::tempdir()?,
            operator: None,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        };
        stage.install_kinds().await?;
        stage.start()?;
        Ok(stage)
    }

    async fn install_kinds(&self) -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/crd");
        for kind in ["registries", "projects", "retentionpolicies", "replicationpolicies"] {
            let text = std::fs::read_to_string(folder.join(format!("{kind}.yaml")))?;
            self.objects.apply(serde_yaml::from_str(&text)?).await?;
        }
        for kind in ["Registry", "Project"] {
            let api = self.api(kind, "default");
            eventually(Duration::from_secs(20), kind, || async { Ok(api.list(&Default::default()).await.map(drop)?) }).await?;
        }
        Ok(())
    }

    /// Starts the operator again.
    pub fn start(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = Command::new(program("slipway-operator")?)
            .args(["--log-format", "human", "--metrics-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
            .args(["--installation-id", "test"])
            .args(&self.arguments)
            .env("KUBECONFIG", self.server.kubeconfig())
            .env("RUST_LOG", "info,slipway_operator=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.operator = Some(child);
        Ok(())
    }

    /// kill -9.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.operator.take() {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("operator.log")
    }

    pub fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk("slipway.dev", "v1alpha1", kind),
            if kind == "Registry" { "registries" } else { "projects" },
        );
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    pub async fn namespace(&self, name: &str, labels: Value) -> Result<()> {
        let namespace = serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}}))?;
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client.clone());
        api.create(&PostParams::default(), &namespace).await?;
        Ok(())
    }

    pub async fn apply(&self, namespace: &str, object: Value) -> Result<DynamicObject> {
        self.objects.apply_in(Some(namespace), object).await
    }

    /// Waits until a condition has this reason.
    pub async fn reason(&self, kind: &str, namespace: &str, name: &str, condition: &str, reason: &str) -> Result<Value> {
        let api = self.api(kind, namespace);
        let what = format!("{kind} {name}: {condition} says {reason}");
        eventually(Duration::from_secs(30), &what, || async {
            let object = api.get(name).await?;
            let conditions = &object.data["status"]["conditions"];
            let found = conditions.as_array().into_iter().flatten().find(|one| one["type"] == condition && one["reason"] == reason);
            found.cloned().with_context(|| format!("conditions are {conditions}"))
        })
        .await
    }

    /// Waits until an object is gone.
    pub async fn gone(&self, kind: &str, namespace: &str, name: &str, patience: Duration) -> Result<()> {
        let api = self.api(kind, namespace);
        eventually(patience, &format!("{kind} {name} is gone"), || async {
            match api.get_opt(name).await? {
                None => Ok(()),
                Some(object) => bail!("finalizers {:?}, {}", object.metadata.finalizers, object.data["status"]["conditions"]),
            }
        })
        .await
    }

    /// The operator's writes so far, leases left out.
    pub fn writes(&self) -> Result<Vec<Value>> {
        let audit = std::fs::read_to_string(self.server.audit_log())?;
        Ok(audit
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| line["userAgent"].as_str().is_some_and(|agent| agent.starts_with(AGENT)))
            .filter(|line| !matches!(line["verb"].as_str(), Some("get" | "list" | "watch")))
            .filter(|line| line["stage"] == "ResponseComplete")
            .collect())
    }
}

/// A Registry that needs nothing of the cluster.
pub fn registry(name: &str, more: Value) -> Value {
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
pub fn project(name: &str, registry: Value, more: Value) -> Value {
    let mut spec = json!({"registryRef": registry});
    merge(&mut spec, more);
    json!({"apiVersion": "slipway.dev/v1alpha1", "kind": "Project", "metadata": {"name": name}, "spec": spec})
}

fn merge(base: &mut Value, more: Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (key, value) in more {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, more) => *base = more,
    }
}
