//! Objects out of a backup, which holds neither status nor uids nor owners, and objects as their authors wrote them.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::Stage;
use crate::operator_registry::HOME;
use crate::operator_settled::{ready, settled};

/// An object as a backup has it.
fn stripped(object: &impl serde::Serialize) -> Result<Value> {
    let mut value = serde_json::to_value(object)?;
    let metadata = value["metadata"].clone();
    value["metadata"] = json!({"name": metadata["name"], "labels": metadata["labels"], "annotations": metadata["annotations"]});
    value
        .as_object_mut()
        .context("an object")?
        .retain(|key, _| key != "status");
    Ok(value)
}

async fn secrets(api: &Api<Secret>) -> Result<Vec<Value>> {
    let list = api.list(&ListParams::default()).await?;
    list.items.iter().map(stripped).collect()
}

#[tokio::test]
async fn g4_a_restored_registry_keeps_credentials_projects_and_pods() -> Result<()> {
    let (mut shop, _nodes) = settled(&["--resync", "2s"], json!({})).await?;
    let client = shop.stage.client.clone();
    let (registries, projects) = (
        shop.stage.api("Registry", HOME),
        shop.stage.api("Project", "team-a"),
    );
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), HOME);
    let (own, tenants): (Api<Secret>, Api<Secret>) = (
        Api::namespaced(client.clone(), HOME),
        Api::namespaced(client.clone(), "team-a"),
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (registry, project) = (registries.get("main").await?, projects.get("team-a").await?);
    let id = project.data["status"]["projectId"].clone();
    let before = (secrets(&own).await?, secrets(&tenants).await?);
    let template = deployments
        .get("main-serve")
        .await?
        .spec
        .context("spec")?
        .template;

    shop.stage.stop();
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    projects.patch("team-a", &PatchParams::default(), &free).await?;
    projects.delete("team-a", &DeleteParams::default()).await?;
    registries.delete("main", &DeleteParams::default()).await?;
    for api in [&own, &tenants] {
        api.delete_collection(&DeleteParams::default(), &ListParams::default())
            .await?;
    }
    eventually(Duration::from_secs(60), "the children are gone", || async {
        match deployments.get_opt("main-serve").await? {
            None => Ok(()),
            Some(left) => bail!("{:?}", left.metadata.owner_references),
        }
    })
    .await?;

    for (api, all) in [(&own, &before.0), (&tenants, &before.1)] {
        for secret in all {
            api.create(&PostParams::default(), &serde_json::from_value(secret.clone())?)
                .await?;
        }
    }
    shop.stage.apply(HOME, stripped(&registry)?).await?;
    shop.stage.apply("team-a", stripped(&project)?).await?;
    shop.stage.start()?;
    ready(&shop, "Registry", HOME, "main").await?;
    ready(&shop, "Project", "team-a", "team-a").await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let values = |all: &[Value]| -> Vec<Value> {
        all.iter()
            .map(|one| json!([one["metadata"]["name"], one["data"]]))
            .collect()
    };
    let after = (secrets(&own).await?, secrets(&tenants).await?);
    ensure!(
        values(&after.0) == values(&before.0),
        "a Secret of the Registry changed"
    );
    ensure!(values(&after.1) == values(&before.1), "a token changed");
    ensure!(projects.get("team-a").await?.data["status"]["projectId"] == id);
    let serving = deployments.get("main-serve").await?;
    ensure!(serving.metadata.generation == Some(1), "the pods were rolled");
    ensure!(serving.spec.context("spec")?.template == template, "other pods");
    Ok(())
}

const AS_WRITTEN: &str = r#"
apiVersion: slipway.dev/v1alpha1
kind: Registry
metadata: {name: main, namespace: r}
spec:
  hostname: registry.example.com
  managed:
    serve:
      resources: {requests: {cpu: 1000m, memory: 1024Mi}, limits: {cpu: "2", memory: 2Gi}}
    storage: {filesystem: {size: 0.5Ti}}
    database: {managed: {size: 1073741824, resources: {requests: {cpu: "0.5"}}}}
    expose: {ingress: {tls: {selfSigned: {}}}}
---
apiVersion: slipway.dev/v1alpha1
kind: Project
metadata: {name: p, namespace: r}
spec:
  registryRef: {name: main}
  quota: {storage: 1024Mi}
"#;

#[tokio::test]
async fn c6_what_was_written_stays_as_it_was_written() -> Result<()> {
    let stage = Stage::set(&["--resync", "1s"]).await?;
    stage.namespace("r", json!({})).await?;
    let path = stage.folder.path().join("written.yaml");
    std::fs::write(&path, AS_WRITTEN)?;
    let file = path.to_str().context("a path")?;
    stage.kubectl(&["apply", "-f", file]).await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    stage
        .reason("Project", "r", "p", "RegistryAvailable", "RegistryNotReady")
        .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    // diff fails when there is a difference.
    let difference = stage.kubectl(&["diff", "-f", file]).await?;
    ensure!(difference.trim().is_empty(), "{difference}");
    let server_side = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "-o",
        "json",
        "-f",
        file,
    ];
    let text = stage.kubectl(&server_side).await?;
    ensure!(
        text.contains("1000m") && text.contains("1024Mi") && text.contains("0.5Ti"),
        "{text}"
    );
    for (kind, name) in [("Registry", "main"), ("Project", "p")] {
        let generation = stage.api(kind, "r").get(name).await?.metadata.generation;
        ensure!(generation == Some(1), "{kind}: generation {generation:?}");
    }
    Ok(())
}
