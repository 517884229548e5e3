//! The tier itself.

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{Api, PostParams};
use serde_json::json;
use slipway_e2e::local_cluster::start_api_server;
use slipway_e2e::scenario::eventually;
use std::time::Duration;

#[tokio::test]
async fn an_api_server_without_nodes_answers_and_runs_controllers() -> anyhow::Result<()> {
    let server = start_api_server().await?;
    let client = server.client().await?;
    let namespace = serde_json::from_value(json!({"metadata": {"name": "one"}}))?;
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "one");
    eventually(Duration::from_secs(20), "the default service account", || async {
        Ok(accounts.get("default").await.map(drop)?)
    })
    .await?;
    let audit = std::fs::read_to_string(server.audit_log())?;
    assert!(audit.lines().any(|line| line.contains("\"verb\":\"create\"")));
    Ok(())
}
