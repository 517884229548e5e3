//! A Registry and a Project that are ready: what people see of them, and that nothing is written any more.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::discovery::{Discovery, verbs};
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::project;
use crate::operator_registry::{HOME, HOST, Shop};
use crate::pretended_nodes::PretendedNodes;

/// A Registry whose pods run and a tenant's Project with a robot, both ready.
pub(crate) async fn settled(arguments: &[&str], more: Value) -> Result<(Shop, PretendedNodes)> {
    let shop = Shop::open_with(arguments, more).await?;
    let nodes = PretendedNodes::join(shop.stage.client.clone());
    ready(&shop, "Registry", HOME, "main").await?;
    shop.tenant("team-a").await?;
    shop.stage
        .apply("team-a", project("team-a", Shop::reference(), robot()))
        .await?;
    ready(&shop, "Project", "team-a", "team-a").await?;
    Ok((shop, nodes))
}

/// A robot with a pull Secret.
pub(crate) fn robot() -> Value {
    json!({"quota": {"storage": "1Gi"}, "robots": [{"name": "ci", "secret": {"name": "pull"},
        "permissions": [{"resource": "repository", "actions": ["pull", "push"]}],
        "attachToServiceAccounts": ["default"]}]})
}

/// Waits until an object is ready.
pub(crate) async fn ready(shop: &Shop, kind: &str, namespace: &str, name: &str) -> Result<()> {
    let api = shop.stage.api(kind, namespace);
    eventually(
        Duration::from_secs(90),
        &format!("{kind} {name} is ready"),
        || async {
            let status = api.get(name).await?.data["status"].clone();
            let found = status["conditions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| one["type"] == "Ready" && one["status"] == "True");
            ensure!(found, "{status}");
            Ok(())
        },
    )
    .await
}

/// The resourceVersions of everything in a namespace, Events left out.
async fn versions(shop: &Shop, namespace: &str) -> Result<BTreeMap<String, String>> {
    let client = shop.stage.client.clone();
    let discovery = Discovery::new(client.clone()).run().await?;
    let mut all = BTreeMap::new();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            let namespaced = matches!(capabilities.scope, kube::discovery::Scope::Namespaced);
            if !namespaced || !capabilities.supports_operation(verbs::LIST) || resource.kind == "Event" {
                continue;
            }
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
            for object in api.list(&ListParams::default()).await?.items {
                let name = object.metadata.name.unwrap_or_default();
                all.insert(
                    format!("{}/{name}", resource.plural),
                    object.metadata.resource_version.unwrap_or_default(),
                );
            }
        }
    }
    Ok(all)
}

#[tokio::test]
async fn c1_two_resyncs_leave_every_resource_version_as_it_is() -> Result<()> {
    let (mut shop, _nodes) = settled(
        &["--resync", "2s"],
        json!({"managed": {
        "storage": {"filesystem": {"accessMode": "ReadWriteMany"}}, "serve": {"replicas": 2}}}),
    )
    .await?;
    // Two rounds of everything that still turns, such as a first volume or the first login of a robot.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let seen = async |shop: &Shop| -> Result<_> {
        Ok((versions(shop, HOME).await?, versions(shop, "team-a").await?))
    };
    let before = seen(&shop).await?;
    for kind in [
        "deployments/main-serve",
        "deployments/main-worker",
        "statefulsets/main-database",
        "registries/main",
    ] {
        ensure!(before.0.contains_key(kind), "no {kind} in {:?}", before.0.keys());
    }
    let writes = shop.stage.writes()?.len();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let after = seen(&shop).await?;
    ensure!(after == before, "{before:#?}\n{after:#?}");
    let written = shop.stage.writes()?;
    ensure!(written.len() == writes, "{:#?}", &written[writes..]);
    // A new process knows nothing and still has nothing to write.
    shop.stage.stop();
    shop.stage.start()?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    ensure!(seen(&shop).await? == before, "a restart wrote");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kubectl_tells_at_a_glance() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({})).await?;
    let table = shop.stage.kubectl(&["get", "registry,rproj", "-A"]).await?;
    let line = |start: &str| {
        let found = table.lines().find(|line| line.contains(start));
        found.map(str::to_owned).with_context(|| table.clone())
    };
    let registry = line("registry.slipway.dev/main")?;
    ensure!(
        registry.contains(&format!("https://{HOST}"))
            && registry.contains("True")
            && registry.contains("Succeeded"),
        "{registry}"
    );
    let project = line("project.slipway.dev/team-a")?;
    ensure!(
        project.contains(&format!("{HOST}/team-a")) && project.contains("True"),
        "{project}"
    );
    for (kind, namespace) in [("registry/main", HOME), ("rproj/team-a", "team-a")] {
        shop.stage
            .kubectl(&[
                "wait",
                "--for=condition=Ready",
                kind,
                "-n",
                namespace,
                "--timeout=5s",
            ])
            .await?;
    }
    // kstatus: settled means observedGeneration == generation, Ready True, and neither Reconciling nor Stalled.
    for (kind, namespace, name) in [("Registry", HOME, "main"), ("Project", "team-a", "team-a")] {
        let object = shop.stage.api(kind, namespace).get(name).await?;
        let status = &object.data["status"];
        ensure!(
            status["observedGeneration"] == json!(object.metadata.generation),
            "{status}"
        );
        for one in status["conditions"].as_array().context("conditions")? {
            ensure!(
                one["type"] != "Stalled" && one["type"] != "Reconciling",
                "{kind}: {one}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn e4_another_operator_image_choice_rolls_nothing_that_was_chosen_before() -> Result<()> {
    let (mut shop, _nodes) = settled(&["--registry-image", "r.example.com/slipway:dev-1"], json!({})).await?;
    let deployments: Api<Deployment> = Api::namespaced(shop.stage.client.clone(), HOME);
    let before = deployments.get("main-serve").await?;
    // An older operator had made it: its version stands in the status.
    let older = json!({"status": {"version": "0.0.9"}});
    shop.stage.stop();
    shop.stage
        .api("Registry", HOME)
        .patch_status("main", &PatchParams::default(), &Patch::Merge(&older))
        .await?;
    shop.stage.argue(&["--resync", "2s"]);
    shop.stage.start()?;
    let api = shop.stage.api("Registry", HOME);
    eventually(Duration::from_secs(30), "the newer version is named", || async {
        let status = api.get("main").await?.data["status"].clone();
        ensure!(status["updateAvailable"] == env!("CARGO_PKG_VERSION"), "{status}");
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let after = deployments.get("main-serve").await?;
    ensure!(
        after.metadata.generation == before.metadata.generation,
        "the pods were rolled"
    );
    Ok(())
}

#[tokio::test]
async fn b9_a_changed_administrators_secret_counts_in_seconds() -> Result<()> {
    let (shop, _nodes) = settled(&["--resync", "3s"], json!({})).await?;
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), HOME);
    let first = String::from_utf8(
        secrets.get("main-admin").await?.data.context("data")?["password"]
            .0
            .clone(),
    )?;
    let logs_in = |password: String| {
        let shop = &shop;
        async move {
            eventually(Duration::from_secs(15), "the password works", || async {
                // Slowly: ten wrong tries close the account for a minute.
                tokio::time::sleep(Duration::from_secs(2)).await;
                ensure!(shop.logs_in("admin", &password).await?);
                Ok(())
            })
            .await
        }
    };
    logs_in(first.clone()).await?;
    let second = "p@ss/w:rd#=% é 4711 Xy";
    let change = json!({"stringData": {"password": second}});
    secrets
        .patch("main-admin", &PatchParams::default(), &Patch::Merge(&change))
        .await?;
    logs_in(second.to_owned()).await?;
    ensure!(
        !shop.logs_in("admin", &first).await?,
        "the old password still works"
    );
    // Nothing failed meanwhile: the operator has an account of its own.
    shop.stage
        .apply(
            "team-a",
            project("another", Shop::reference(), json!({"name": "another"})),
        )
        .await?;
    ready(&shop, "Project", "team-a", "another").await
}

#[tokio::test]
async fn b9_a_password_changed_in_the_registry_is_told_once() -> Result<()> {
    let (shop, _nodes) = settled(&["--resync", "1s"], json!({})).await?;
    // The administrator has the password of the Secret, and nothing is said.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let events = async || {
        let arguments = ["get", "events.events.k8s.io", "-n", HOME, "-o", "json"];
        shop.stage.kubectl(&arguments).await
    };
    ensure!(!events().await?.contains("AdminPasswordDiffers"));
    let portal = json!({"new_password": "Changed-In-The-Portal-1"});
    shop.call(reqwest::Method::PUT, "/api/v2.0/users/1/password", Some(portal))
        .await?;
    eventually(Duration::from_secs(15), "an Event", || async {
        let text = events().await?;
        ensure!(text.contains("AdminPasswordDiffers") && text.contains("main-admin"));
        Ok(())
    })
    .await?;
    // It stays as it was changed, the account is not closed by tries, and everything goes on.
    tokio::time::sleep(Duration::from_secs(15)).await;
    ensure!(shop.logs_in("admin", "Changed-In-The-Portal-1").await?);
    let list: Value = serde_json::from_str(&events().await?)?;
    let told = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["reason"] == "AdminPasswordDiffers");
    ensure!(told.count() == 1);
    shop.stage
        .apply(
            "team-a",
            project("another", Shop::reference(), json!({"name": "another"})),
        )
        .await?;
    ready(&shop, "Project", "team-a", "another").await
}

#[tokio::test]
async fn scaled_to_zero_and_back() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({"managed": {"serve": {"replicas": 1}}})).await?;
    let deployments: Api<Deployment> = Api::namespaced(shop.stage.client.clone(), HOME);
    let api = shop.stage.api("Registry", HOME);
    let scale = |replicas: i32| {
        let change = json!({"spec": {"managed": {"serve": {"replicas": replicas}}}});
        let api = api.clone();
        async move {
            api.patch("main", &PatchParams::default(), &Patch::Merge(&change))
                .await
        }
    };
    scale(0).await?;
    let waiting = shop
        .stage
        .reason("Registry", HOME, "main", "ApiReachable", "Waiting")
        .await?;
    ensure!(
        waiting["message"]
            .as_str()
            .is_some_and(|text| text.contains("spec.managed.serve.replicas")),
        "{waiting}"
    );
    let replicas = async || {
        Ok::<_, anyhow::Error>(
            deployments
                .get("main-serve")
                .await?
                .spec
                .and_then(|spec| spec.replicas),
        )
    };
    ensure!(replicas().await? == Some(0));
    scale(1).await?;
    ready(&shop, "Registry", HOME, "main").await?;
    ensure!(replicas().await? == Some(1));
    Ok(())
}

#[tokio::test]
async fn c3_ready_follows_ten_quick_changes() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({})).await?;
    let api = shop.stage.api("Registry", HOME);
    for round in 0..10 {
        let change = json!({"spec": {"garbageCollection": {"gracePeriod": format!("{}h", 2 + round % 2)}}});
        api.patch("main", &PatchParams::default(), &Patch::Merge(&change))
            .await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    eventually(Duration::from_secs(60), "ready with the last change", || async {
        let object = api.get("main").await?;
        let status = &object.data["status"];
        ensure!(
            status["observedGeneration"] == json!(object.metadata.generation),
            "{status}"
        );
        let conditions = status["conditions"].as_array().context("conditions")?;
        ensure!(
            conditions
                .iter()
                .any(|one| one["type"] == "Ready" && one["status"] == "True"),
            "{status}"
        );
        ensure!(
            !conditions.iter().any(|one| one["type"] == "Reconciling"),
            "{status}"
        );
        Ok(())
    })
    .await
}
