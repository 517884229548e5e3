//! Definitions that are not the operator's own, and objects that it cannot read.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, project, registry};

fn definitions(stage: &Stage) -> Api<CustomResourceDefinition> {
    Api::all(stage.client.clone())
}

#[tokio::test]
async fn d6_definitions_of_another_version_are_told_and_forgotten_when_they_fit() -> Result<()> {
    let mut stage = Stage::set(&["--resync", "1s"]).await?;
    stage.stop();
    let all = definitions(&stage);
    let name = "projects.slipway.dev";
    let own =
        all.get(name).await?.metadata.annotations.context("annotations")?["slipway.dev/schema-hash"].clone();
    let mark = |hash: &str| {
        let change = json!({"metadata": {"annotations": {"slipway.dev/schema-hash": hash}}});
        let all = all.clone();
        async move {
            all.patch(name, &PatchParams::default(), &Patch::Merge(&change))
                .await
        }
    };
    mark("0000").await?;
    stage.namespace("r", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage.start()?;
    let told = stage
        .reason("Registry", "r", "main", "DefinitionsOutdated", "CrdOutdated")
        .await?;
    ensure!(
        told["status"] == "True"
            && told["message"]
                .as_str()
                .is_some_and(|text| text.contains(name) && text.contains("crds.install")),
        "{told}"
    );
    ensure!(
        stage.logged().contains("the installed CRDs projects.slipway.dev"),
        "not in the log"
    );
    let events = stage
        .kubectl(&["get", "events.events.k8s.io", "-n", "r", "-o", "json"])
        .await?;
    ensure!(events.contains("CrdOutdated"), "no Event");
    // The work goes on meanwhile.
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    mark(&own).await?;
    let api = stage.api("Registry", "r");
    eventually(Duration::from_secs(20), "forgotten", || async {
        let all = api.get("main").await?.data["status"]["conditions"].to_string();
        ensure!(!all.contains("DefinitionsOutdated"), "{all}");
        Ok(())
    })
    .await
}

/// Lets values into the definition of a kind that this operator does not know: what a newer version would do.
async fn widen(stage: &Stage, plural: &str, path: &[&str], value: &str) -> Result<()> {
    let all = definitions(stage);
    let name = format!("{plural}.slipway.dev");
    let mut live = serde_json::to_value(all.get(&name).await?)?;
    let mut place = &mut live["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    for part in path {
        place = &mut place["properties"][part];
    }
    place["enum"]
        .as_array_mut()
        .context("an enum")?
        .push(json!(value));
    place
        .as_object_mut()
        .context("a schema")?
        .remove("x-kubernetes-validations");
    let change = json!({"spec": {"versions": live["spec"]["versions"]}});
    all.patch(&name, &PatchParams::default(), &Patch::Merge(&change))
        .await?;
    Ok(())
}

/// Applies as soon as the API server knows the widened schema.
async fn admitted(stage: &Stage, namespace: &str, object: Value) -> Result<()> {
    eventually(Duration::from_secs(20), "the wider schema", || async {
        stage.apply(namespace, object.clone()).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn d1_an_object_that_cannot_be_read_says_so_and_costs_only_itself() -> Result<()> {
    let stage = Stage::set(&["--resync", "1s"]).await?;
    stage.namespace("r", json!({})).await?;
    widen(&stage, "projects", &["spec", "visibility"], "Internal").await?;
    widen(&stage, "registries", &["spec", "deletionPolicy"], "Orphan").await?;
    let strange = project(
        "strange",
        json!({"name": "main"}),
        json!({"visibility": "Internal"}),
    );
    admitted(&stage, "r", strange).await?;
    admitted(
        &stage,
        "r",
        registry("strange", json!({"deletionPolicy": "Orphan"})),
    )
    .await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .apply("r", project("plain", json!({"name": "main"}), json!({})))
        .await?;
    for (kind, value) in [("Project", "Internal"), ("Registry", "Orphan")] {
        let told = stage
            .reason(kind, "r", "strange", "Stalled", "Unreadable")
            .await?;
        ensure!(
            told["message"].as_str().is_some_and(|text| text.contains(value)),
            "{told}"
        );
        let object = stage.api(kind, "r").get("strange").await?;
        ensure!(object.data["status"]["observedGeneration"] == json!(object.metadata.generation));
    }
    let events = stage
        .kubectl(&["get", "events.events.k8s.io", "-n", "r", "-o", "json"])
        .await?;
    ensure!(
        events.matches("\"reason\": \"Unreadable\"").count() == 2,
        "{events}"
    );
    // The others are worked on, and nothing is written again and again.
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    stage
        .reason("Project", "r", "plain", "RegistryAvailable", "RegistryNotReady")
        .await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let before = stage.writes()?.len();
    tokio::time::sleep(Duration::from_secs(5)).await;
    ensure!(
        stage.writes()?.len() == before,
        "{:#?}",
        &stage.writes()?[before..]
    );
    // Corrected: worked on like any other.
    stage
        .apply(
            "r",
            project(
                "strange",
                json!({"name": "main"}),
                json!({"visibility": "Private"}),
            ),
        )
        .await?;
    stage
        .reason("Project", "r", "strange", "RegistryAvailable", "RegistryNotReady")
        .await?;
    let all = stage.api("Project", "r").get("strange").await?.data["status"]["conditions"].to_string();
    ensure!(!all.contains("Stalled"), "{all}");
    Ok(())
}

#[tokio::test]
async fn a4_an_object_that_cannot_be_read_holds_no_namespace() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    widen(&stage, "projects", &["spec", "visibility"], "Internal").await?;
    let mut strange = project(
        "strange",
        json!({"name": "main"}),
        json!({"visibility": "Internal"}),
    );
    // As if it had been worked on before somebody installed an older operator.
    strange["metadata"]["finalizers"] = json!(["slipway.dev/finalizer"]);
    admitted(&stage, "r", strange).await?;
    stage
        .reason("Project", "r", "strange", "Stalled", "Unreadable")
        .await?;
    let namespaces: Api<Namespace> = Api::all(stage.client.clone());
    namespaces.delete("r", &DeleteParams::default()).await?;
    eventually(Duration::from_secs(60), "the namespace is gone", || async {
        match namespaces.get_opt("r").await? {
            None => Ok(()),
            Some(left) => anyhow::bail!("{:?}", left.status),
        }
    })
    .await
}
