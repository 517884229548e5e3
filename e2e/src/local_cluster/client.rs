//! Talking to an API server.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiCapabilities, Scope, pinned_kind};
use kube::{Client, Config, ResourceExt as _};

/// A client made of a kubeconfig file, whatever `KUBECONFIG` says.
pub async fn from_kubeconfig(file: &Path) -> Result<Client> {
    crate::install_tls_provider();
    let kubeconfig = Kubeconfig::read_from(file).with_context(|| format!("reading {}", file.display()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Waits until the API server says that it is ready.
pub async fn await_ready(client: &Client, patience: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        let request = http_get("/readyz")?;
        match client.request_text(request).await {
            Ok(_) => return Ok(()),
            Err(error) if began.elapsed() > patience => {
                bail!("the API server is not ready after {patience:?}: {error}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

fn http_get(path: &str) -> Result<http::Request<Vec<u8>>> {
    Ok(http::Request::get(path).body(Vec::new())?)
}

/// Writes objects of any kind.
#[derive(Clone)]
pub struct Objects {
    client: Client,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Objects")
    }
}

impl Objects {
    /// Through this client.
    pub fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// The client underneath.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Server-side apply of one object, as JSON.
    pub async fn apply(&self, object: serde_json::Value) -> Result<()> {
        self.apply_in(None, object).await.map(drop)
    }

    /// Server-side apply of one object, into `namespace` unless it names another.
    pub async fn apply_in(
        &self,
        namespace: Option<&str>,
        object: serde_json::Value,
    ) -> Result<DynamicObject> {
        let object: DynamicObject = serde_json::from_value(object)?;
        let api = self.api_of(namespace, &object).await?;
        let name = object.name_any();
        api.patch(
            &name,
            &PatchParams::apply("slipway-e2e").force(),
            &Patch::Apply(&object),
        )
        .await
        .with_context(|| {
            let kind = object.types.as_ref().map(|types| types.kind.clone());
            format!("applying {} {name}", kind.unwrap_or_default())
        })
    }

    /// The API that an object of unknown kind belongs to.
    pub async fn api_of(
        &self,
        namespace: Option<&str>,
        object: &DynamicObject,
    ) -> Result<Api<DynamicObject>> {
        let types = object.types.clone().context("an object without kind")?;
        let kind = GroupVersionKind::try_from(&types)?;
        let (resource, capabilities): (_, ApiCapabilities) = pinned_kind(&self.client, &kind)
            .await
            .with_context(|| format!("the API server does not know {}", types.kind))?;
        Ok(
            match (capabilities.scope, object.namespace().as_deref().or(namespace)) {
                (Scope::Namespaced, Some(namespace)) => {
                    Api::namespaced_with(self.client.clone(), namespace, &resource)
                }
                (Scope::Namespaced, None) => Api::default_namespaced_with(self.client.clone(), &resource),
                (Scope::Cluster, _) => Api::all_with(self.client.clone(), &resource),
            },
        )
    }
}
