//! What the operator does with good and bad objects when there are no nodes: what it makes, what it says, how it lets go.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, project, registry};

/// Longer than a resync of the tests.
const SETTLE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn c1_a_settled_world_is_not_written_to() -> Result<()> {
    let stage = Stage::set(&["--resync", "1s"]).await?;
    stage.namespace("r", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .apply("r", project("p", json!({"name": "main"}), json!({})))
        .await?;
    stage
        .apply("r", project("q", json!({"name": "none"}), json!({})))
        .await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    stage
        .reason("Project", "r", "q", "Stalled", "RegistryUnavailable")
        .await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = stage.writes()?.len();
    tokio::time::sleep(SETTLE * 4).await;
    let after = stage.writes()?;
    ensure!(after.len() == before, "{:#?}", &after[before..]);
    Ok(())
}

#[tokio::test]
async fn c3_wrong_objects_say_what_is_wrong_within_seconds() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    let class = json!({"managed": {"storage": {"filesystem": {"storageClassName": "nope"}}}});
    stage.apply("r", registry("class", class)).await?;
    let found = stage
        .reason("Registry", "r", "class", "StorageReady", "StorageClassNotFound")
        .await?;
    ensure!(
        found["message"]
            .as_str()
            .is_some_and(|m| m.contains("storageClassName") && m.contains("nope")),
        "{found}"
    );
    stage
        .reason("Registry", "r", "class", "Stalled", "StorageClassNotFound")
        .await?;

    let ingress = json!({"managed": {"expose": {"ingress": {"className": "nope"}}}});
    stage.apply("r", registry("ingress", ingress)).await?;
    stage
        .reason("Registry", "r", "ingress", "Exposed", "InvalidSpec")
        .await?;

    stage
        .apply(
            "r",
            registry(
                "secret",
                json!({"admin": {"passwordSecretRef": {"name": "nope"}}}),
            ),
        )
        .await?;
    stage
        .reason("Registry", "r", "secret", "Stalled", "SecretNotFound")
        .await?;
    // The Secret appears: healed without anybody's help and without waiting for minutes.
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nope"}, "stringData": {"password": "Slipway-Test-4711"}});
    stage.apply("r", secret).await?;
    stage
        .reason("Registry", "r", "secret", "DatabaseReady", "Progressing")
        .await?;
    let object = stage.api("Registry", "r").get("secret").await?;
    ensure!(object.data["status"]["observedGeneration"] == json!(object.metadata.generation));
    Ok(())
}

#[tokio::test]
async fn secrets_of_others_are_never_touched() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    let foreign = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "main-database"}, "stringData": {"password": "theirs"}});
    let before = stage.apply("r", foreign).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .reason("Registry", "r", "main", "Stalled", "SecretConflict")
        .await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "r");
    let after = secrets.get("main-database").await?;
    ensure!(after.metadata.resource_version == before.metadata.resource_version);
    secrets.delete("main-database", &DeleteParams::default()).await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    Ok(())
}

#[tokio::test]
async fn b13_generated_values_stay_and_come_back_when_deleted() -> Result<()> {
    let mut stage = Stage::set(&["--resync", "1s"]).await?;
    stage.namespace("r", json!({})).await?;
    stage.namespace("other", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "r");
    let copy = secrets.get("main-token").await?;
    let mut moved = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "main-token"}});
    moved["metadata"]["labels"] = json!(copy.metadata.labels);
    moved["data"] = json!(copy.data);
    stage.apply("other", moved).await?;
    let all = || async {
        let list = secrets.list(&Default::default()).await?;
        Ok::<_, anyhow::Error>(
            list.items
                .into_iter()
                .map(|s| (s.metadata.name, s.data))
                .collect::<Vec<_>>(),
        )
    };
    let before = all().await?;
    tokio::time::sleep(SETTLE).await;
    stage.stop();
    stage.start()?;
    tokio::time::sleep(SETTLE).await;
    ensure!(all().await? == before, "a generated value changed");
    secrets.delete("main-database", &DeleteParams::default()).await?;
    eventually(Duration::from_secs(10), "the Secret is back", || async {
        Ok(secrets.get("main-database").await.map(drop)?)
    })
    .await?;
    let elsewhere: Api<Secret> = Api::namespaced(stage.client.clone(), "other");
    ensure!(
        elsewhere.get_opt("main-token").await?.is_some(),
        "the copy was cleaned up"
    );
    Ok(())
}

#[tokio::test]
async fn drift_of_children_is_healed_and_restarts_roll_nothing() -> Result<()> {
    let mut stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    let sets: Api<StatefulSet> = Api::namespaced(stage.client.clone(), "r");
    stage
        .reason("Registry", "r", "main", "CacheReady", "Progressing")
        .await?;
    let services: Api<k8s_openapi::api::core::v1::Service> = Api::namespaced(stage.client.clone(), "r");
    let edit = json!({"spec": {"selector": {"slipway.dev/component": "nobody"}}});
    services
        .patch("main-cache", &PatchParams::default(), &Patch::Merge(&edit))
        .await?;
    eventually(Duration::from_secs(10), "the selector is healed", || async {
        let selector = services
            .get("main-cache")
            .await?
            .spec
            .and_then(|spec| spec.selector)
            .unwrap_or_default();
        ensure!(
            selector
                .get("slipway.dev/component")
                .is_some_and(|v| v == "cache"),
            "{selector:?}"
        );
        Ok(())
    })
    .await?;
    tokio::time::sleep(SETTLE).await;
    // C9: 5 restarts leave every generation as it is.
    let before = sets.get("main-database").await?.metadata.generation;
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), "r");
    let cache = deployments.get("main-cache").await?.metadata.generation;
    for _ in 0..5 {
        stage.stop();
        stage.start()?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    ensure!(sets.get("main-database").await?.metadata.generation == before);
    ensure!(deployments.get("main-cache").await?.metadata.generation == cache);
    Ok(())
}

#[tokio::test]
async fn a4_what_never_came_to_be_goes_at_once() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    stage.namespace("t", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    let robot = json!({"robots": [{"name": "ci", "secret": {"name": "s"}, "permissions": [{"resource": "repository", "actions": ["pull"]}]}]});
    stage
        .apply("t", project("missing", json!({"name": "none"}), robot.clone()))
        .await?;
    stage
        .apply(
            "t",
            project(
                "refused",
                json!({"name": "main", "namespace": "r"}),
                robot.clone(),
            ),
        )
        .await?;
    stage
        .apply("r", project("unborn", json!({"name": "main"}), robot))
        .await?;
    let missing = stage
        .reason("Project", "t", "missing", "Stalled", "RegistryUnavailable")
        .await?;
    let refused = stage
        .reason("Project", "t", "refused", "Stalled", "RegistryUnavailable")
        .await?;
    let neutral = |found: &Value, name: &str, namespace: &str| {
        found["message"]
            .as_str()
            .unwrap_or_default()
            .replace(&format!("Registry {name} in namespace {namespace}"), "R")
    };
    ensure!(
        neutral(&missing, "none", "t") == neutral(&refused, "main", "r"),
        "the two read differently: {missing} {refused}"
    );
    stage
        .reason("Project", "r", "unborn", "RegistryAvailable", "RegistryNotReady")
        .await?;
    for (namespace, name) in [("t", "missing"), ("t", "refused"), ("r", "unborn")] {
        stage
            .api("Project", namespace)
            .delete(name, &DeleteParams::default())
            .await?;
        stage
            .gone("Project", namespace, name, Duration::from_secs(15))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a5_created_and_deleted_at_once() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("t", json!({})).await?;
    stage.apply("t", registry("main", json!({}))).await?;
    let api = stage.api("Project", "t");
    let robot = json!({"deletionPolicy": "Delete", "robots": [{"name": "ci", "secret": {"name": "s"}, "permissions": [{"resource": "repository", "actions": ["pull"]}]}]});
    for index in 0..200 {
        let more = if index % 2 == 0 { json!({}) } else { robot.clone() };
        let name = format!("p{index}");
        stage
            .apply("t", project(&name, json!({"name": "main"}), more))
            .await?;
        api.delete(&name, &DeleteParams::background()).await?;
    }
    eventually(Duration::from_secs(60), "all are gone", || async {
        let left = api.list(&Default::default()).await?.items.len();
        ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn namespaces_go_in_any_order() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    for (registry_namespace, tenant, tenant_first) in [("r1", "t1", true), ("r2", "t2", false)] {
        stage.namespace(registry_namespace, json!({})).await?;
        stage.namespace(tenant, json!({})).await?;
        let tenancy = json!({"deletionPolicy": "Delete", "tenancy": [{"namespaces": {"names": [tenant]}, "projectNames": ["*"]}]});
        stage.apply(registry_namespace, registry("main", tenancy)).await?;
        let robot = json!({"robots": [{"name": "ci", "secret": {"name": "s"}, "permissions": [{"resource": "repository", "actions": ["pull"]}]}]});
        stage
            .apply(
                tenant,
                project(
                    "p",
                    json!({"name": "main", "namespace": registry_namespace}),
                    robot,
                ),
            )
            .await?;
        stage
            .reason("Project", tenant, "p", "RegistryAvailable", "RegistryNotReady")
            .await?;
        let namespaces: Api<Namespace> = Api::all(stage.client.clone());
        let mut order = [tenant, registry_namespace];
        if !tenant_first {
            order.reverse();
        }
        for name in order {
            namespaces.delete(name, &DeleteParams::default()).await?;
        }
        for name in order {
            eventually(
                Duration::from_secs(60),
                &format!("namespace {name} is gone"),
                || async {
                    match namespaces.get_opt(name).await? {
                        None => Ok(()),
                        Some(left) => anyhow::bail!("{:?}", left.status),
                    }
                },
            )
            .await?;
        }
        // A5: after the first refusal nothing more is created there.
        let refused = |line: &&Value| line["responseStatus"]["code"] == 403;
        let refusals = stage.writes()?.iter().filter(refused).count();
        ensure!(refusals <= 8, "{refusals} refused writes");
    }
    Ok(())
}

#[tokio::test]
async fn retained_data_stays_and_is_found_again() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "r");
    let claims: Api<k8s_openapi::api::core::v1::PersistentVolumeClaim> =
        Api::namespaced(stage.client.clone(), "r");
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    let before = secrets.get("main-database").await?.data;
    stage
        .api("Registry", "r")
        .delete("main", &DeleteParams::default())
        .await?;
    stage
        .gone("Registry", "r", "main", Duration::from_secs(15))
        .await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    ensure!(
        claims.get_opt("main-database").await?.is_some(),
        "the volume went"
    );
    stage
        .apply("r", registry("main", json!({"deletionPolicy": "Delete"})))
        .await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    ensure!(
        secrets.get("main-database").await?.data == before,
        "a new password was made"
    );
    stage
        .apply("r", project("p", json!({"name": "main"}), json!({})))
        .await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage
        .api("Registry", "r")
        .delete("main", &DeleteParams::default())
        .await?;
    stage
        .reason("Registry", "r", "main", "DeletionBlocked", "ProjectsRemain")
        .await?;
    stage
        .api("Project", "r")
        .delete("p", &DeleteParams::default())
        .await?;
    stage
        .gone("Registry", "r", "main", Duration::from_secs(20))
        .await?;
    eventually(
        Duration::from_secs(20),
        "volumes and Secrets are gone",
        || async {
            let left = secrets.list(&Default::default()).await?.items.len();
            ensure!(left == 0, "{left} Secrets are left");
            let claim = claims.get_opt("main-database").await?;
            ensure!(
                claim.is_none_or(|claim| claim.metadata.deletion_timestamp.is_some()),
                "the volume stays"
            );
            Ok(())
        },
    )
    .await
}

#[tokio::test]
async fn a6_suspending_stops_everything_but_deleting() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    stage
        .apply("r", registry("main", json!({"suspend": true})))
        .await?;
    stage
        .reason("Registry", "r", "main", "Suspended", "Suspended")
        .await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "r");
    ensure!(secrets.list(&Default::default()).await?.items.is_empty());
    stage
        .api("Registry", "r")
        .delete("main", &DeleteParams::default())
        .await?;
    stage.gone("Registry", "r", "main", Duration::from_secs(10)).await
}

#[tokio::test]
async fn c7_labels_and_annotations_of_the_user_stay_on_his_object() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    let mut object = registry("main", json!({}));
    object["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "x"});
    object["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "x"});
    stage.apply("r", object).await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    let sets: Api<StatefulSet> = Api::namespaced(stage.client.clone(), "r");
    let text = serde_json::to_string(&sets.get("main-database").await?)?;
    ensure!(
        !text.contains("tracking-id") && !text.contains("kubernetes.io/instance"),
        "{text}"
    );
    Ok(())
}
