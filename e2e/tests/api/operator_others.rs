//! The operator beside others that write to the same objects, or have objects of the same names.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, registry};
use crate::operator_registry::{HOME, Shop};
use crate::operator_settled::{ready, settled};

fn shared() -> Value {
    json!({"managed": {"storage": {"filesystem": {"accessMode": "ReadWriteMany"}}}})
}

#[tokio::test]
async fn c8_replicas_that_others_set_survive_restarts() -> Result<()> {
    let (mut shop, _nodes) = settled(&["--resync", "1s"], shared()).await?;
    let deployments: Api<Deployment> = Api::namespaced(shop.stage.client.clone(), HOME);
    // As an autoscaler does it.
    let scale = json!({"spec": {"replicas": 5}});
    let by_autoscaler = PatchParams {
        field_manager: Some("kube-controller-manager".to_owned()),
        ..PatchParams::default()
    };
    deployments
        .patch_scale("main-serve", &by_autoscaler, &Patch::Merge(&scale))
        .await?;
    for _ in 0..2 {
        shop.stage.stop();
        shop.stage.start()?;
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
    let spec = deployments.get("main-serve").await?.spec.context("spec")?;
    ensure!(spec.replicas == Some(5), "{:?}", spec.replicas);
    ready(&shop, "Registry", HOME, "main").await
}

#[tokio::test]
async fn c8_an_edit_that_makes_a_child_invalid_is_taken_over_and_told() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({})).await?;
    let deployments: Api<Deployment> = Api::namespaced(shop.stage.client.clone(), HOME);
    // kubectl edit: a container beside ours, with a volume of ours that a later version does not have.
    let by_hand = PostParams {
        field_manager: Some("kubectl-edit".to_owned()),
        ..PostParams::default()
    };
    eventually(Duration::from_secs(10), "the edit", || async {
        let mut edited = deployments.get("main-serve").await?;
        let pod = edited
            .spec
            .as_mut()
            .and_then(|spec| spec.template.spec.as_mut())
            .context("a pod")?;
        let beside = json!({"name": "by-hand", "image": "example.com/x:1",
            "volumeMounts": [{"name": "cache", "mountPath": "/cache"}]});
        pod.containers.push(serde_json::from_value(beside)?);
        Ok(deployments
            .replace("main-serve", &by_hand, &edited)
            .await
            .map(drop)?)
    })
    .await?;
    let without = json!({"spec": {"managed": {"cache": {"none": {}}}}});
    shop.stage
        .api("Registry", HOME)
        .patch("main", &PatchParams::default(), &Patch::Merge(&without))
        .await?;
    eventually(Duration::from_secs(30), "the volume is gone", || async {
        let pod = deployments
            .get("main-serve")
            .await?
            .spec
            .and_then(|spec| spec.template.spec)
            .context("a pod")?;
        let volumes = pod.volumes.unwrap_or_default();
        ensure!(!volumes.iter().any(|one| one.name == "cache"), "not yet");
        let names: Vec<String> = pod.containers.into_iter().map(|one| one.name).collect();
        ensure!(names == ["serve", "worker"], "{names:?}");
        Ok(())
    })
    .await?;
    ready(&shop, "Registry", HOME, "main").await?;
    let events = shop
        .stage
        .kubectl(&["get", "events.events.k8s.io", "-n", HOME, "-o", "json"])
        .await?;
    ensure!(
        events.contains("FieldsTakenOver") && events.contains("kubectl-edit"),
        "{events}"
    );
    Ok(())
}

#[tokio::test]
async fn b13_objects_of_others_are_neither_overwritten_nor_removed() -> Result<()> {
    let stage = Stage::set(&["--resync", "1s"]).await?;
    stage.namespace("r", json!({})).await?;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "main-cache"},
        "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 6379}]}});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "main-ingress"},
        "spec": {"rules": [{"host": "theirs.example.com"}]}});
    let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "main-worker"},
        "spec": {"podSelector": {}}});
    let mut before = BTreeMap::new();
    for object in [service, ingress, policy] {
        let made = stage.apply("r", object).await?;
        before.insert(made.name_any(), made.resource_version());
    }
    let mut spec = json!({});
    spec["managed"] = json!({"cache": {"managed": {}}});
    let mut object = registry("main", spec);
    object["spec"]["managed"]["expose"] = json!({"clusterIP": {}});
    stage.apply("r", object).await?;
    let told = stage
        .reason("Registry", "r", "main", "Stalled", "ObjectConflict")
        .await?;
    ensure!(
        told["message"]
            .as_str()
            .is_some_and(|text| text.contains("Service main-cache")),
        "{told}"
    );
    // The rest is worked on meanwhile.
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let services: Api<k8s_openapi::api::core::v1::Service> = Api::namespaced(stage.client.clone(), "r");
    let ingresses: Api<Ingress> = Api::namespaced(stage.client.clone(), "r");
    let policies: Api<k8s_openapi::api::networking::v1::NetworkPolicy> =
        Api::namespaced(stage.client.clone(), "r");
    let after = BTreeMap::from([
        (
            "main-cache".to_owned(),
            services.get("main-cache").await?.resource_version(),
        ),
        (
            "main-ingress".to_owned(),
            ingresses.get("main-ingress").await?.resource_version(),
        ),
        (
            "main-worker".to_owned(),
            policies.get("main-worker").await?.resource_version(),
        ),
    ]);
    ensure!(before == after, "{before:?} {after:?}");
    Ok(())
}

/// A copy under another name, with all labels and annotations, as somebody makes it by hand.
async fn copied<K>(api: &Api<K>, name: &str, copy: &str) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + serde::Serialize + DeserializeOwned + std::fmt::Debug,
{
    let mut object = serde_json::to_value(api.get(name).await?)?;
    let labels = object["metadata"]["labels"].clone();
    let annotations = object["metadata"]["annotations"].clone();
    object["metadata"] = json!({"name": copy, "labels": labels, "annotations": annotations});
    api.create(&PostParams::default(), &serde_json::from_value(object)?)
        .await?;
    Ok(())
}

#[tokio::test]
async fn b13_copies_with_all_marks_are_left_alone() -> Result<()> {
    let (shop, _nodes) = settled(&["--resync", "1s"], json!({})).await?;
    let tenants: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "team-a");
    copied(&tenants, "pull", "pull-copy").await?;
    let own: Api<Secret> = Api::namespaced(shop.stage.client.clone(), HOME);
    copied(&own, "main-database", "main-database-copy").await?;
    let maps: Api<ConfigMap> = Api::namespaced(shop.stage.client.clone(), HOME);
    copied(&maps, "main-settings", "main-settings-copy").await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    tenants.get("pull-copy").await?;
    own.get("main-database-copy").await?;
    maps.get("main-settings-copy").await?;
    ready(&shop, "Project", "team-a", "team-a").await
}

/// Revisions of pods, and the generation of everything that has one.
async fn revisions(shop: &Shop) -> Result<BTreeMap<String, Option<i64>>> {
    async fn of<K>(shop: &Shop, all: &mut BTreeMap<String, Option<i64>>) -> Result<()>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api: Api<K> = Api::namespaced(shop.stage.client.clone(), HOME);
        for object in api.list(&ListParams::default()).await?.items {
            all.insert(
                format!("{}/{}", K::kind(&()), object.name_any()),
                object.meta().generation,
            );
        }
        Ok(())
    }
    let mut all = BTreeMap::new();
    of::<ReplicaSet>(shop, &mut all).await?;
    of::<ControllerRevision>(shop, &mut all).await?;
    of::<Deployment>(shop, &mut all).await?;
    of::<k8s_openapi::api::apps::v1::StatefulSet>(shop, &mut all).await?;
    of::<k8s_openapi::api::batch::v1::Job>(shop, &mut all).await?;
    of::<Ingress>(shop, &mut all).await?;
    Ok(all)
}

#[tokio::test]
async fn c9_twenty_restarts_make_no_revision() -> Result<()> {
    let (mut shop, _nodes) = settled(&["--resync", "1s"], shared()).await?;
    let before = revisions(&shop).await?;
    ensure!(
        before.keys().any(|name| name.starts_with("ReplicaSet/"))
            && before.keys().any(|name| name.starts_with("ControllerRevision/")),
        "{before:?}"
    );
    for _ in 0..20 {
        shop.stage.stop();
        shop.stage.start()?;
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    let after = revisions(&shop).await?;
    ensure!(before == after, "{before:#?}\n{after:#?}");
    Ok(())
}
