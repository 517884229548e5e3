//! Waiting, with a last word on why it was in vain.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, Client};

/// Tries again until it succeeds; the last failure is the answer after `patience`.
pub async fn eventually<T, F>(patience: Duration, what: &str, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let began = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if began.elapsed() > patience => {
                return Err(error).with_context(|| format!("{what}: not within {patience:?}"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Waits until all replicas of a Deployment are available.
pub async fn deployment_available(
    client: &Client,
    namespace: &str,
    name: &str,
    patience: Duration,
) -> Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    eventually(patience, &format!("Deployment {name} is available"), || async {
        let deployment = deployments.get(name).await?;
        let wanted = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let status = deployment.status.unwrap_or_default();
        let available = status.available_replicas.unwrap_or(0);
        if status.observed_generation < deployment.metadata.generation || available < wanted {
            bail!(
                "{available} of {wanted} replicas: {:?}",
                status.conditions.unwrap_or_default()
            );
        }
        Ok(())
    })
    .await
}
