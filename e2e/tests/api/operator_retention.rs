//! RetentionPolicies from the object to what the registry removes, against a real registry.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::api::{DeleteParams, Patch, PatchParams};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{merge, project};
use crate::operator_registry::Shop;

const PATIENCE: Duration = Duration::from_secs(30);
const KIND: &str = "RetentionPolicy";
const TENANT: &str = "team-a";

fn policy(name: &str, more: Value) -> Value {
    let mut spec = json!({"projectSelector": {"matchLabels": {"retention": "standard"}}});
    merge(&mut spec, more);
    json!({"apiVersion": "slipway.dev/v1alpha1", "kind": KIND, "metadata": {"name": name}, "spec": spec})
}

/// A shop with one tenant, one Project that policies choose, and as many images in its repository `app`.
async fn shop(images: usize) -> Result<Shop> {
    let shop = Shop::open(&["--resync", "2s"]).await?;
    shop.tenant(TENANT).await?;
    let mut object = project("app-images", Shop::reference(), json!({}));
    object["metadata"]["labels"] = json!({"retention": "standard"});
    shop.stage.apply(TENANT, object).await?;
    shop.stage
        .reason("Project", TENANT, "app-images", "Ready", "Succeeded")
        .await?;
    for number in 0..images {
        shop.push("app-images/app", &format!("v{number}")).await?;
    }
    Ok(shop)
}

async fn annotate(shop: &Shop, name: &str, annotation: &str, value: &str) -> Result<()> {
    let patch = json!({"metadata": {"annotations": {annotation: value}}});
    shop.stage
        .api(KIND, TENANT)
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    Ok(())
}

async fn status(shop: &Shop, name: &str) -> Result<Value> {
    Ok(shop.stage.api(KIND, TENANT).get(name).await?.data["status"].clone())
}

/// The tags of the repository.
async fn tags(shop: &Shop) -> Result<Vec<String>> {
    let answer = shop
        .call(Method::GET, "/v2/app-images/app/tags/list", None)
        .await?;
    let tags = answer["tags"].as_array().cloned().unwrap_or_default();
    Ok(tags.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The policy that the registry keeps for the project, if there is one.
async fn kept(shop: &Shop) -> Result<Option<Value>> {
    let project = shop
        .call(Method::GET, "/api/v2.0/projects/app-images", None)
        .await?;
    match project["metadata"]["retention_id"].as_str() {
        None => Ok(None),
        Some(id) => shop
            .call(Method::GET, &format!("/api/v2.0/retentions/{id}"), None)
            .await
            .map(Some),
    }
}

#[tokio::test]
async fn a_policy_removes_exactly_what_its_preview_said_and_then_rests() -> Result<()> {
    let shop = shop(6).await?;
    let rules = json!({
        "rules": [{"repositories": {"glob": "**"}, "keep": {"latestPushed": 2}}],
        "schedule": {"cron": "0 3 * * 7", "timeZone": "Europe/Berlin"},
    });
    shop.stage.apply(TENANT, policy("standard", rules)).await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "Ready", "Succeeded")
        .await?;
    let known = kept(&shop).await?.context("a policy in the registry")?;
    let settings = &known["trigger"]["settings"];
    ensure!(
        settings["cron"] == "0 0 3 * * 0" && settings["time_zone"] == "Europe/Berlin",
        "{known}"
    );
    let path = "/api/slipway/v1/projects/app-images/retention/preview";
    let preview = shop.call(Method::GET, path, None).await?;
    ensure!(preview["total"] == 6 && preview["deleted"] == 4, "{preview}");
    ensure!(tags(&shop).await?.len() == 6, "a preview removes nothing");

    annotate(&shop, "standard", "slipway.dev/run-now", "1").await?;
    eventually(PATIENCE, "the run is in the status", || async {
        let status = status(&shop, "standard").await?;
        let last = &status["lastRun"];
        ensure!(
            last["deleted"] == 4 && last["kept"] == 2 && last["projects"] == 1,
            "{status}"
        );
        ensure!(
            status["matchedProjects"] == 1 && status["lastHandledRun"] == "1",
            "{status}"
        );
        ensure!(status["nextRun"].is_string(), "{status}");
        Ok(())
    })
    .await?;
    ensure!(tags(&shop).await? == ["v4", "v5"], "{:?}", tags(&shop).await?);

    // A settled policy is not written to, in Kubernetes and in the registry, and the annotation acts once.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (writes, changes) = (shop.stage.writes()?.len(), shop.changes().await?);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let after = shop.stage.writes()?;
    ensure!(after.len() == writes, "{:#?}", &after[writes..]);
    ensure!(shop.changes().await? == changes, "the registry was written to");
    Ok(())
}

#[tokio::test]
async fn b5_drift_is_put_right_and_the_end_takes_the_policy_back() -> Result<()> {
    let shop = shop(0).await?;
    let rules = json!({"rules": [{"keep": {"latestPushed": 2}}], "schedule": {"cron": "@daily"}});
    shop.stage.apply(TENANT, policy("standard", rules)).await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "Ready", "Succeeded")
        .await?;
    let known = kept(&shop).await?.context("a policy in the registry")?;
    let mut changed = known.clone();
    changed["rules"] = json!([]);
    let path = format!("/api/v2.0/retentions/{}", known["id"]);
    shop.call(Method::PUT, &path, Some(changed)).await?;
    eventually(PATIENCE, "the rules are back", || async {
        let now = kept(&shop).await?.context("a policy")?;
        ensure!(now["rules"] == known["rules"], "{now}");
        Ok(())
    })
    .await?;
    // Gone behind its back: made again.
    shop.call(Method::DELETE, &path, None).await?;
    eventually(PATIENCE, "the policy is back", || async {
        kept(&shop).await?.context("none yet").map(drop)
    })
    .await?;

    // Suspended: it keeps its rules, and runs no more.
    let mut patch = json!({"spec": {"suspend": true}});
    let objects = shop.stage.api(KIND, TENANT);
    objects
        .patch("standard", &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "Suspended", "Suspended")
        .await?;
    let now = kept(&shop).await?.context("a policy")?;
    ensure!(
        now["trigger"]["settings"]["cron"] == "" && now["rules"] == known["rules"],
        "{now}"
    );
    annotate(&shop, "standard", "slipway.dev/run-now", "while suspended").await?;
    patch["spec"]["suspend"] = json!(null);
    objects
        .patch("standard", &PatchParams::default(), &Patch::Merge(&patch))
        .await?;
    eventually(PATIENCE, "the schedule is back", || async {
        let now = kept(&shop).await?.context("a policy")?;
        ensure!(now["trigger"]["settings"]["cron"] == "0 0 0 * * *", "{now}");
        Ok(())
    })
    .await?;

    // No longer chosen: taken back; chosen again: there again; deleted: taken back.
    let relabel = async |labels: Value| -> Result<()> {
        let patch = json!({"metadata": {"labels": labels}});
        shop.stage
            .api("Project", TENANT)
            .patch("app-images", &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        Ok(())
    };
    relabel(json!({"retention": null})).await?;
    eventually(PATIENCE, "the policy is taken back", || async {
        ensure!(kept(&shop).await?.is_none());
        ensure!(status(&shop, "standard").await?["matchedProjects"] == 0);
        Ok(())
    })
    .await?;
    relabel(json!({"retention": "standard"})).await?;
    eventually(PATIENCE, "the policy is there again", || async {
        kept(&shop).await?.context("none yet").map(drop)
    })
    .await?;
    objects.delete("standard", &DeleteParams::default()).await?;
    shop.stage.gone(KIND, TENANT, "standard", PATIENCE).await?;
    ensure!(kept(&shop).await?.is_none(), "the registry keeps the policy");
    Ok(())
}

#[tokio::test]
async fn of_two_policies_the_one_marked_first_acts() -> Result<()> {
    let shop = shop(0).await?;
    let rules = |most: u32| json!({"rules": [{"keep": {"latestPushed": most}}]});
    shop.stage.apply(TENANT, policy("first", rules(1))).await?;
    shop.stage
        .reason(KIND, TENANT, "first", "Ready", "Succeeded")
        .await?;
    shop.stage.apply(TENANT, policy("second", rules(2))).await?;
    let refused = shop
        .stage
        .reason(KIND, TENANT, "second", "Ready", "Conflict")
        .await?;
    let message = refused["message"].as_str().unwrap_or_default();
    ensure!(message.contains("app-images"), "{message}");
    let told = shop
        .stage
        .reason(KIND, TENANT, "first", "Synced", "Conflict")
        .await?;
    ensure!(told["status"] == "True", "{told}");
    let keeps = async || -> Result<Value> {
        let known = kept(&shop).await?.context("a policy")?;
        Ok(known["rules"][0]["params"]["latestPushedK"].clone())
    };
    ensure!(keeps().await? == 1);
    shop.stage
        .api(KIND, TENANT)
        .delete("first", &DeleteParams::default())
        .await?;
    eventually(PATIENCE, "the other one acts", || async {
        ensure!(keeps().await? == 2);
        Ok(())
    })
    .await?;
    shop.stage
        .reason(KIND, TENANT, "second", "Ready", "Succeeded")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_run_beyond_the_guard_waits_for_approval() -> Result<()> {
    let shop = shop(4).await?;
    let guarded = json!({"rules": [{"keep": {"latestPushed": 1}}], "guard": {"maxDelete": "50%"}});
    shop.stage.apply(TENANT, policy("standard", guarded)).await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "Ready", "Succeeded")
        .await?;
    // An approval before there is anything to approve of is spent.
    annotate(&shop, "standard", "slipway.dev/approve", "early").await?;
    annotate(&shop, "standard", "slipway.dev/run-now", "1").await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "NeedsApproval", "ApprovalRequired")
        .await?;
    ensure!(tags(&shop).await?.len() == 4, "nothing goes without approval");
    let attention = status(&shop, "standard").await?["attention"].clone();
    ensure!(
        attention[0]["project"] == "app-images" && attention[0]["reason"] == "ApprovalRequired",
        "{attention}"
    );
    annotate(&shop, "standard", "slipway.dev/approve", "by ada").await?;
    eventually(PATIENCE, "the approved run is done", || async {
        ensure!(tags(&shop).await? == ["v3"]);
        let status = status(&shop, "standard").await?;
        ensure!(
            status["lastRun"]["deleted"] == 3 && status["attention"].is_null(),
            "{status}"
        );
        Ok(())
    })
    .await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "Ready", "Succeeded")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a4_a_policy_goes_with_its_namespace_although_the_registry_is_away() -> Result<()> {
    let mut shop = shop(0).await?;
    let rules = json!({"rules": [{"keep": {"latestPushed": 1}}]});
    shop.stage.apply(TENANT, policy("standard", rules)).await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "Ready", "Succeeded")
        .await?;
    // What names no project of the namespace says so.
    let naming = json!({"apiVersion": "slipway.dev/v1alpha1", "kind": KIND, "metadata": {"name": "naming"},
        "spec": {"projectRef": {"name": "absent"}, "rules": []}});
    shop.stage.apply(TENANT, naming).await?;
    let told = shop
        .stage
        .reason(KIND, TENANT, "naming", "Ready", "Waiting")
        .await?;
    ensure!(
        told["message"]
            .as_str()
            .is_some_and(|text| text.contains("absent")),
        "{told}"
    );
    shop.close();
    shop.stage
        .api(KIND, TENANT)
        .delete("standard", &DeleteParams::default())
        .await?;
    shop.stage
        .reason(KIND, TENANT, "standard", "DeletionBlocked", "RegistryNotReady")
        .await?;
    shop.reopen(&[]).await?;
    shop.stage.gone(KIND, TENANT, "standard", PATIENCE).await
}

#[tokio::test]
async fn b5_immutable_tags_labels_and_own_retention_are_as_declared() -> Result<()> {
    let shop = Shop::open(&["--resync", "2s"]).await?;
    shop.tenant("t").await?;
    let spec = json!({
        "immutableTags": [{"repositories": "**", "tags": "v*"}],
        "labels": [{"name": "tested", "color": "#0065AB"}],
        "retention": {"rules": [{"keep": {"latestPushed": 3}}], "schedule": {"cron": "@weekly"}},
    });
    shop.stage
        .apply("t", project("p", Shop::reference(), spec.clone()))
        .await?;
    shop.stage
        .reason("Project", "t", "p", "Ready", "Succeeded")
        .await?;
    let rules = "/api/v2.0/projects/p/immutabletagrules";
    let id = shop.call(Method::GET, "/api/v2.0/projects/p", None).await?["project_id"].clone();
    let labels = format!("/api/v2.0/labels?scope=p&project_id={id}");
    let as_declared = async || -> Result<()> {
        let known = shop.call(Method::GET, rules, None).await?;
        ensure!(known.as_array().is_some_and(|all| all.len() == 1), "{known}");
        ensure!(known[0]["tag_selectors"][0]["pattern"] == "v*", "{known}");
        let known = shop.call(Method::GET, &labels, None).await?;
        ensure!(known.as_array().is_some_and(|all| all.len() == 1), "{known}");
        ensure!(
            known[0]["name"] == "tested" && known[0]["color"] == "#0065AB",
            "{known}"
        );
        let project = shop.call(Method::GET, "/api/v2.0/projects/p", None).await?;
        let retention = project["metadata"]["retention_id"]
            .as_str()
            .context("no retention")?;
        let known = shop
            .call(Method::GET, &format!("/api/v2.0/retentions/{retention}"), None)
            .await?;
        ensure!(known["rules"][0]["params"]["latestPushedK"] == 3, "{known}");
        ensure!(known["trigger"]["settings"]["cron"] == "0 0 0 * * 0", "{known}");
        Ok(())
    };
    eventually(PATIENCE, "all of it", &as_declared).await?;
    // Behind its back: another rule, no label, no retention.
    let known = shop.call(Method::GET, rules, None).await?;
    let mut other = known[0].clone();
    other["tag_selectors"][0]["pattern"] = json!("w*");
    shop.call(Method::POST, rules, Some(other)).await?;
    let label = shop.call(Method::GET, &labels, None).await?[0]["id"].clone();
    shop.call(Method::DELETE, &format!("/api/v2.0/labels/{label}"), None)
        .await?;
    let before = shop.call(Method::GET, "/api/v2.0/projects/p", None).await?;
    let retention = before["metadata"]["retention_id"].as_str().context("retention")?;
    shop.call(Method::DELETE, &format!("/api/v2.0/retentions/{retention}"), None)
        .await?;
    eventually(PATIENCE, "all of it again", &as_declared).await?;
    // A RetentionPolicy that chooses the project as well comes second.
    let policy = json!({"apiVersion": "slipway.dev/v1alpha1", "kind": "RetentionPolicy", "metadata": {"name": "p"},
        "spec": {"projectRef": {"name": "p"}, "rules": []}});
    shop.stage.apply("t", policy).await?;
    shop.stage
        .reason("RetentionPolicy", "t", "p", "Ready", "Conflict")
        .await?;
    let mut without = spec;
    without.as_object_mut().context("an object")?.remove("retention");
    shop.stage
        .apply("t", project("p", Shop::reference(), without))
        .await?;
    shop.stage
        .api("RetentionPolicy", "t")
        .delete("p", &DeleteParams::default())
        .await?;
    eventually(PATIENCE, "the project has no retention", || async {
        let project = shop.call(Method::GET, "/api/v2.0/projects/p", None).await?;
        ensure!(project["metadata"]["retention_id"].is_null(), "{project}");
        Ok(())
    })
    .await
}
