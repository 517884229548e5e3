//! Databases, caches and volumes of others, and migrations that fail.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, registry};
use crate::operator_registry::HOME;
use crate::operator_settled::{ready, settled};
use crate::pretended_nodes::PretendedNodes;

fn secret(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

/// A Registry with nothing of its own but the registry.
fn outside(cache: Value) -> Value {
    let mut object = registry("main", json!({}));
    object["spec"]["managed"]["database"] = json!({"external": {"host": "db.example.com", "name": "slipway",
        "sslMode": "VerifyFull", "credentialsSecretRef": {"name": "db"}, "caRef": {"kind": "ConfigMap", "name": "db-ca", "key": "ca.crt"}}});
    object["spec"]["managed"]["cache"] = cache;
    object
}

#[tokio::test]
async fn c3_an_external_database_says_what_it_lacks_step_by_step() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    let nodes = PretendedNodes::join(stage.client.clone());
    nodes.fail(
        "migrate",
        "connecting\npassword authentication failed for user \"app\"\n",
    );
    stage.apply("r", outside(json!({"none": {}}))).await?;
    let lacks = async |condition: &'static str, reason: &'static str, words: &'static str| {
        let found = stage.reason("Registry", "r", "main", condition, reason).await?;
        let message = found["message"].as_str().unwrap_or_default();
        ensure!(message.contains(words), "{message}");
        Ok::<_, anyhow::Error>(())
    };
    lacks(
        "Stalled",
        "SecretNotFound",
        "spec.managed.database.external.credentialsSecretRef",
    )
    .await?;
    stage.apply("r", secret("db", json!({"username": "app"}))).await?;
    lacks("Stalled", "SecretKeyMissing", "no key password").await?;
    stage
        .apply("r", secret("db", json!({"username": "app", "password": "wrong"})))
        .await?;
    lacks(
        "Stalled",
        "ConfigMapNotFound",
        "spec.managed.database.external.caRef",
    )
    .await?;
    let ca = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "db-ca"}, "data": {"ca.crt": text}});
    stage.apply("r", ca("nothing")).await?;
    lacks("Stalled", "SecretKeyMissing", "holds no certificate").await?;
    stage
        .apply(
            "r",
            ca("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"),
        )
        .await?;

    // The wrong password shows in the migration, with what PostgreSQL said last.
    let jobs: Api<Job> = Api::namespaced(stage.client.clone(), "r");
    let failed = eventually(Duration::from_secs(60), "the migration failed", || async {
        let job = jobs
            .list(&ListParams::default())
            .await?
            .items
            .into_iter()
            .next()
            .context("no Job")?;
        // Kubernetes waits longer and longer between the tries of a Job: this one has had enough.
        let enough = json!({"spec": {"activeDeadlineSeconds": 1}});
        let name = job.metadata.name.clone().context("a name")?;
        if job
            .spec
            .as_ref()
            .and_then(|spec| spec.active_deadline_seconds)
            .is_none()
        {
            jobs.patch(&name, &PatchParams::default(), &Patch::Merge(&enough))
                .await?;
        }
        let conditions = job
            .status
            .and_then(|status| status.conditions)
            .unwrap_or_default();
        ensure!(
            conditions.iter().any(|one| one.type_ == "Failed"),
            "{conditions:?}"
        );
        Ok(job.metadata)
    })
    .await?;
    let found = stage
        .reason("Registry", "r", "main", "Migrated", "MigrationFailed")
        .await?;
    ensure!(
        found["message"]
            .as_str()
            .is_some_and(|text| text.contains(&failed.name.clone().unwrap_or_default())),
        "{found}"
    );
    // No hot loop: nothing is written while nothing changes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = stage.writes()?.len();
    tokio::time::sleep(Duration::from_secs(5)).await;
    ensure!(
        stage.writes()?.len() == before,
        "{:#?}",
        &stage.writes()?[before..]
    );

    // The right password: run again at once, by itself.
    nodes.heal();
    stage
        .apply("r", secret("db", json!({"username": "app", "password": "right"})))
        .await?;
    eventually(Duration::from_secs(30), "another migration", || async {
        let again = jobs.list(&ListParams::default()).await?.items;
        ensure!(
            again.iter().any(|job| job.metadata.uid != failed.uid),
            "still the first"
        );
        Ok(())
    })
    .await?;
    stage
        .reason("Registry", "r", "main", "Migrated", "Succeeded")
        .await?;
    // Nothing of a database or cache was made.
    let sets: Api<StatefulSet> = Api::namespaced(stage.client.clone(), "r");
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), "r");
    ensure!(sets.list(&ListParams::default()).await?.items.is_empty());
    ensure!(deployments.get_opt("main-cache").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_cache_is_exchanged_for_another_and_for_none() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .reason("Registry", "r", "main", "CacheReady", "Progressing")
        .await?;
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), "r");
    deployments.get("main-cache").await?;
    let external = json!({"managed": {"cache": {"external": {"host": "redis.example.com", "passwordSecretRef": {"name": "redis"}}}}});
    stage.apply("r", registry("main", external)).await?;
    let found = stage
        .reason("Registry", "r", "main", "Stalled", "SecretNotFound")
        .await?;
    ensure!(
        found["message"]
            .as_str()
            .is_some_and(|text| text.contains("passwordSecretRef")),
        "{found}"
    );
    stage
        .apply("r", secret("redis", json!({"password": "x"})))
        .await?;
    stage
        .reason("Registry", "r", "main", "CacheReady", "Available")
        .await?;
    let gone = || async {
        ensure!(
            deployments.get_opt("main-cache").await?.is_none(),
            "Redis runs on"
        );
        Ok(())
    };
    eventually(Duration::from_secs(20), "Redis is gone", gone).await?;
    stage
        .apply("r", registry("main", json!({"managed": {"cache": {"none": {}}}})))
        .await?;
    eventually(Duration::from_secs(20), "no cache", || async {
        let object = stage.api("Registry", "r").get("main").await?;
        let found = object.data["status"]["conditions"]
            .as_array()
            .context("conditions")?
            .iter()
            .any(|one| one["type"] == "CacheReady" && one["message"] == "there is none");
        ensure!(found, "{}", object.data["status"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn e1_a_volume_grows_or_says_why_it_cannot() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({})).await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(shop.stage.client.clone(), HOME);
    let api = shop.stage.api("Registry", HOME);
    let grow = |size: &'static str| {
        let change = json!({"spec": {"managed": {"storage": {"filesystem": {"size": size}}}}});
        let api = api.clone();
        async move {
            api.patch("main", &PatchParams::default(), &Patch::Merge(&change))
                .await
        }
    };
    // Volumes without a class cannot grow: said, and the registry serves on.
    grow("2Gi").await?;
    let found = shop
        .stage
        .reason("Registry", HOME, "main", "StorageReady", "ExpansionUnsupported")
        .await?;
    ensure!(
        found["message"]
            .as_str()
            .is_some_and(|text| text.contains("spec.managed.storage.filesystem.size")),
        "{found}"
    );
    let reachable = shop
        .stage
        .reason("Registry", HOME, "main", "ApiReachable", "Available")
        .await?;
    ensure!(reachable["status"] == "True", "{reachable}");
    let before = shop.stage.writes()?.len();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let refused = shop.stage.writes()?.len() - before;
    ensure!(refused <= 1, "{refused} writes in four seconds");
    // Shrinking is refused by the API server itself.
    let shrunk = grow("512Mi").await;
    ensure!(
        shrunk
            .as_ref()
            .is_err_and(|error| error.to_string().contains("shrink")),
        "{shrunk:?}"
    );
    // Back to what it is: ready again.
    ensure!(grow("1Gi").await.is_err(), "sizes only grow");
    let size = claims
        .get("main-storage")
        .await?
        .spec
        .and_then(|spec| spec.resources)
        .and_then(|all| all.requests);
    ensure!(size.context("requests")?["storage"].0 == "1Gi");
    Ok(())
}

#[tokio::test]
async fn e1_a_class_that_lets_volumes_grow() -> Result<()> {
    let shop_class = json!({"managed": {"storage": {"filesystem": {"storageClassName": "elastic"}}}});
    let stage = Stage::set(&["--resync", "2s"]).await?;
    stage.namespace("r", json!({})).await?;
    let _nodes = PretendedNodes::join(stage.client.clone());
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "elastic"},
        "provisioner": "example.com/none", "allowVolumeExpansion": true});
    stage.objects.apply(class).await?;
    stage.apply("r", registry("main", shop_class.clone())).await?;
    stage
        .reason("Registry", "r", "main", "StorageReady", "Available")
        .await?;
    let mut larger = shop_class;
    larger["managed"]["storage"]["filesystem"]["size"] = json!("3Gi");
    stage.apply("r", registry("main", larger)).await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(stage.client.clone(), "r");
    eventually(Duration::from_secs(20), "the claim asks for more", || async {
        let spec = claims.get("main-storage").await?.spec.context("spec")?;
        let size = spec.resources.and_then(|all| all.requests).context("requests")?["storage"]
            .0
            .clone();
        ensure!(size == "3Gi", "{size}");
        Ok(())
    })
    .await?;
    eventually(Duration::from_secs(20), "growing is told", || async {
        let all = stage.api("Registry", "r").get("main").await?.data["status"]["conditions"].to_string();
        ensure!(
            all.contains("the volume of the claim main-storage grows"),
            "{all}"
        );
        Ok(())
    })
    .await?;
    let grown = json!({"status": {"capacity": {"storage": "3Gi"}}});
    claims
        .patch_status("main-storage", &PatchParams::default(), &Patch::Merge(&grown))
        .await?;
    eventually(Duration::from_secs(20), "it has grown", || async {
        let all = stage.api("Registry", "r").get("main").await?.data["status"]["conditions"].to_string();
        ensure!(!all.contains("grows"), "{all}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failed_migration_to_another_image_leaves_the_old_one_serving() -> Result<()> {
    let (shop, nodes) = settled(&[], json!({})).await?;
    nodes.fail("migrate", "error: relation \"projects\" is locked\n");
    let deployments: Api<Deployment> = Api::namespaced(shop.stage.client.clone(), HOME);
    let before = deployments.get("main-serve").await?.metadata.generation;
    let api = shop.stage.api("Registry", HOME);
    let digest = format!("sha256:{}", "a".repeat(64));
    let change = json!({"spec": {"managed": {"image": {"digest": digest}}}});
    api.patch("main", &PatchParams::default(), &Patch::Merge(&change))
        .await?;
    let running = shop
        .stage
        .reason("Registry", HOME, "main", "Migrated", "MigrationRunning")
        .await?;
    eventually(Duration::from_secs(20), "the last words", || async {
        let all = api.get("main").await?.data["status"]["conditions"].to_string();
        ensure!(all.contains("is locked"), "{all}");
        Ok(())
    })
    .await?;
    ensure!(running["status"] == "False");
    ready(&shop, "Registry", HOME, "main").await?;
    ensure!(
        deployments.get("main-serve").await?.metadata.generation == before,
        "pods were rolled"
    );
    // Back to the old image: settled, and the Job of the other one is gone.
    let back = json!({"spec": {"managed": {"image": null}}});
    api.patch("main", &PatchParams::default(), &Patch::Merge(&back))
        .await?;
    nodes.heal();
    shop.stage
        .reason("Registry", HOME, "main", "Migrated", "Succeeded")
        .await?;
    ready(&shop, "Registry", HOME, "main").await
}

#[tokio::test]
async fn e6_a_changed_or_lost_password_reaches_every_pod_once() -> Result<()> {
    let (shop, _nodes) = settled(&["--resync", "2s"], json!({})).await?;
    let client = &shop.stage.client;
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), HOME);
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), HOME);
    let secrets: Api<Secret> = Api::namespaced(client.clone(), HOME);
    let generations = async || -> Result<_> {
        let database = sets.get("main-database").await?.metadata.generation;
        let serve = deployments.get("main-serve").await?.metadata.generation;
        Ok([database, serve].map(Option::unwrap_or_default))
    };
    let mut known = generations().await?;
    for lost in [false, true] {
        if lost {
            // What a Registry does that finds its volume and not its Secret: the server takes what the new one holds.
            secrets.delete("main-database", &DeleteParams::default()).await?;
        } else {
            let change = json!({"stringData": {"password": "p@ss/w:rd#=% é 4711 '\"\\"}});
            secrets
                .patch("main-database", &PatchParams::default(), &Patch::Merge(&change))
                .await?;
        }
        let wanted = known.map(|generation| generation + 1);
        eventually(Duration::from_secs(15), "new pods", || async {
            let now = generations().await?;
            ensure!(now == wanted, "{known:?} became {now:?}");
            Ok(())
        })
        .await?;
        ready(&shop, "Registry", HOME, "main").await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = generations().await?;
        ensure!(now == wanted, "rolled again: {wanted:?} became {now:?}");
        known = now;
    }
    let password = secrets.get("main-database").await?.data.context("data")?["password"].clone();
    ensure!(password.0.len() >= 16, "a short password");
    ready(&shop, "Project", "team-a", "team-a").await
}
