//! The story that a newcomer sees, and that the cluster tests hold to: the operator is installed, a
//! Registry and a Project are declared, an image is pushed, and a tenant's pod runs it.

mod tenant;

use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::Client;
use serde::Deserialize as _;
use serde_json::Value;

pub use tenant::{Login, push_and_run, run_pod};

use crate::local_cluster::client::Objects;
use crate::platform::{Images, Platform, helm};
use crate::progress::Progress;
use crate::scenario::condition_is_true;
use crate::{paths, shell};

/// Namespace of the operator.
pub const OPERATOR_NAMESPACE: &str = "slipway-system";
/// The sample Registry and its namespace.
pub const REGISTRY: (&str, &str) = ("main", "registry");
/// The sample Project and its namespace.
pub const PROJECT: (&str, &str) = ("team-a", "team-a");

/// `helm upgrade --install` of our chart; does nothing to an operator that is up to date.
pub fn install_operator(platform: &Platform, images: &Images, progress: Progress) -> Result<()> {
    let _step = progress.step("operator is installed with Helm");
    let (repository, tag) = images
        .operator
        .rsplit_once(':')
        .context("an image name without tag")?;
    let mut helm = helm(platform, progress)?;
    helm.args(["upgrade", "--install", "slipway"])
        .arg(paths::repository().join("charts/slipway-operator"))
        .args([
            "--namespace",
            OPERATOR_NAMESPACE,
            "--create-namespace",
            "--wait",
            "--timeout",
            "3m",
        ])
        .args(["--set", &format!("image.repository={repository},image.tag={tag}")])
        .args([
            "--set",
            &format!("image.pullPolicy={0},images.pullPolicy={0}", images.pull_policy),
        ])
        .args(["--set", &format!("images.registry={}", images.registry)])
        .args(["--set", &format!("images.postgres={}", images.postgres)])
        .args(["--set", &format!("images.redis={}", images.redis)]);
    shell::run(&mut helm)
}

/// Applies the samples of `config/samples`, namespaces first.
pub async fn apply_samples(client: &Client) -> Result<()> {
    let objects = Objects::new(client);
    for file in ["namespaces.yaml", "registry.yaml", "project.yaml"] {
        let path = paths::repository().join("config/samples").join(file);
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        for document in serde_yaml::Deserializer::from_str(&text) {
            let object = Value::deserialize(document)?;
            if !object.is_null() {
                objects.apply(object).await?;
            }
        }
    }
    Ok(())
}

/// Waits until the sample Registry serves; gives its status.
pub async fn registry_is_ready(client: &Client, patience: Duration) -> Result<Value> {
    let (name, namespace) = REGISTRY;
    let object = condition_is_true(client, namespace, "Registry", name, "Ready", patience).await?;
    Ok(object.data["status"].clone())
}

/// Waits until the operator has seen the sample Registry answer under its outside name.
pub async fn registry_is_exposed(client: &Client, patience: Duration) -> Result<()> {
    let (name, namespace) = REGISTRY;
    condition_is_true(client, namespace, "Registry", name, "Exposed", patience)
        .await
        .map(drop)
}

/// Waits until the sample Project is in the registry, its pull Secret written and attached.
pub async fn project_is_ready(client: &Client, patience: Duration) -> Result<()> {
    let (name, namespace) = PROJECT;
    condition_is_true(client, namespace, "Project", name, "Ready", patience)
        .await
        .map(drop)
}
