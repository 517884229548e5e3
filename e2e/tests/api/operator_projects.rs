//! Projects from the object to the registry's state and back, against a real registry.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::project;
use crate::operator_registry::{HOST, Shop};

const PATIENCE: Duration = Duration::from_secs(60);

fn robot(accounts: &[&str]) -> Value {
    json!({"robots": [{
        "name": "ci",
        "permissions": [{"resource": "repository", "actions": ["pull", "push"]}],
        "expiresAfter": "90d",
        "rotation": {"rotateBefore": "14d", "overlap": "24h"},
        "secret": {"name": "pull"},
        "attachToServiceAccounts": accounts,
    }]})
}

/// Waits until the Secret holds a token that logs in and is not `old`.
async fn working_token(shop: &Shop, namespace: &str, old: Option<&str>) -> Result<(String, String)> {
    eventually(PATIENCE, "a token that works", || async {
        let (user, token) = shop.credentials(namespace, "pull").await?;
        ensure!(Some(token.as_str()) != old, "still the old token");
        ensure!(shop.logs_in(&user, &token).await?, "{user} does not log in");
        Ok((user, token))
    })
    .await
}

#[tokio::test]
async fn b2_from_a_project_to_a_secret_that_logs_in() -> Result<()> {
    let shop = Shop::open(&["--resync", "1s"]).await?;
    shop.tenant("team-a").await?;
    let mut spec = robot(&["default"]);
    spec["visibility"] = json!("Public");
    spec["quota"] = json!({"storage": "1Gi"});
    shop.stage
        .apply("team-a", project("team-a", Shop::reference(), spec))
        .await?;
    shop.stage
        .reason("Project", "team-a", "team-a", "Ready", "Succeeded")
        .await?;
    shop.stage
        .reason("Project", "team-a", "team-a", "CredentialsReady", "Succeeded")
        .await?;
    let (user, token) = working_token(&shop, "team-a", None).await?;
    ensure!(user.contains("team-a") && !token.is_empty());
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "team-a");
    let data = secrets.get("pull").await?.data.context("data")?;
    ensure!(data.len() == 1, "{:?}", data.keys());
    let known = shop.call(Method::GET, "/api/v2.0/projects/team-a", None).await?;
    ensure!(known["metadata"]["public"] == "true", "{known}");
    let status = shop.stage.api("Project", "team-a").get("team-a").await?.data["status"].clone();
    ensure!(
        status["url"] == format!("{HOST}/team-a") && status["projectId"] == known["project_id"],
        "{status}"
    );
    let quotas = shop
        .call(Method::GET, "/api/v2.0/quotas?reference=project", None)
        .await?;
    ensure!(
        quotas
            .as_array()
            .is_some_and(|all| all.iter().any(|q| q["hard"]["storage"] == 1 << 30)),
        "{quotas}"
    );

    // A settled Project is not written to, in Kubernetes and in the registry.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let updated = |value: &Value| value["update_time"].clone();
    let (before, stamp) = (
        shop.stage.writes()?.len(),
        updated(&shop.call(Method::GET, "/api/v2.0/projects/team-a", None).await?),
    );
    tokio::time::sleep(Duration::from_secs(6)).await;
    let after = shop.stage.writes()?;
    ensure!(after.len() == before, "{:#?}", &after[before..]);
    ensure!(updated(&shop.call(Method::GET, "/api/v2.0/projects/team-a", None).await?) == stamp);
    Ok(())
}

#[tokio::test]
async fn a9_b13_lost_and_edited_tokens_come_back() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("team-a").await?;
    shop.stage
        .apply("team-a", project("team-a", Shop::reference(), robot(&[])))
        .await?;
    let (_, first) = working_token(&shop, "team-a", None).await?;
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "team-a");
    secrets.delete("pull", &DeleteParams::default()).await?;
    let (user, second) = working_token(&shop, "team-a", Some(&first)).await?;
    ensure!(!shop.logs_in(&user, &first).await?, "the lost token still works");
    let edit = json!({"stringData": {".dockerconfigjson": json!({"auths": {HOST: {"username": user, "password": "Wrong1234567"}}}).to_string()}});
    secrets
        .patch("pull", &PatchParams::default(), &Patch::Merge(&edit))
        .await?;
    working_token(&shop, "team-a", Some("Wrong1234567")).await?;
    let edit = json!({"stringData": {".dockerconfigjson": "{}"}});
    secrets
        .patch("pull", &PatchParams::default(), &Patch::Merge(&edit))
        .await?;
    working_token(&shop, "team-a", Some(&second)).await?;
    Ok(())
}

#[tokio::test]
async fn b5_drift_in_the_registry_is_put_right() -> Result<()> {
    let shop = Shop::open(&["--resync", "2s"]).await?;
    shop.tenant("team-a").await?;
    let mut spec = robot(&[]);
    spec["visibility"] = json!("Private");
    shop.stage
        .apply("team-a", project("team-a", Shop::reference(), spec))
        .await?;
    let (user, token) = working_token(&shop, "team-a", None).await?;
    shop.call(
        Method::PUT,
        "/api/v2.0/projects/team-a",
        Some(json!({"metadata": {"public": "true"}})),
    )
    .await?;
    eventually(PATIENCE, "private again", || async {
        let known = shop.call(Method::GET, "/api/v2.0/projects/team-a", None).await?;
        ensure!(known["metadata"]["public"] == "false", "{known}");
        Ok(())
    })
    .await?;
    let status = shop.stage.api("Project", "team-a").get("team-a").await?.data["status"].clone();
    let id = &status["robots"][0]["id"];
    shop.call(Method::DELETE, &format!("/api/v2.0/robots/{id}"), None)
        .await?;
    ensure!(!shop.logs_in(&user, &token).await?);
    // The robot is made again and keeps its token: pods that hold it go on.
    eventually(PATIENCE, "the token works again", || async {
        // Slowly: ten wrong tries close the account for a minute.
        tokio::time::sleep(Duration::from_secs(3)).await;
        ensure!(shop.logs_in(&user, &token).await?, "not yet");
        Ok(())
    })
    .await?;
    // The whole project goes behind the operator's back.
    let status = shop.stage.api("Project", "team-a").get("team-a").await?.data["status"].clone();
    shop.call(Method::DELETE, "/api/v2.0/projects/team-a", None)
        .await?;
    eventually(PATIENCE, "the project is there again", || async {
        let known = shop.call(Method::GET, "/api/v2.0/projects/team-a", None).await?;
        ensure!(known["project_id"] != status["projectId"]);
        tokio::time::sleep(Duration::from_secs(3)).await;
        ensure!(shop.logs_in(&user, &token).await?, "no robot yet");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn b11_service_accounts_keep_what_others_put_there() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("team-a").await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(shop.stage.client.clone(), "team-a");
    let foreign = json!({"imagePullSecrets": [{"name": "theirs"}]});
    accounts
        .patch("default", &PatchParams::default(), &Patch::Merge(&foreign))
        .await?;
    shop.stage
        .apply(
            "team-a",
            project("team-a", Shop::reference(), robot(&["default", "late"])),
        )
        .await?;
    let carries = |account: &'static str, names: &'static [&'static str]| {
        let accounts = accounts.clone();
        eventually(PATIENCE, "the list of a service account", move || {
            let accounts = accounts.clone();
            async move {
                let list = accounts
                    .get(account)
                    .await?
                    .image_pull_secrets
                    .unwrap_or_default();
                let list: Vec<String> = list.into_iter().map(|entry| entry.name).collect();
                ensure!(list == names, "{list:?}");
                Ok(())
            }
        })
    };
    carries("default", &["theirs", "pull"]).await?;
    shop.stage
        .reason(
            "Project",
            "team-a",
            "team-a",
            "ServiceAccountsAttached",
            "ServiceAccountsMissing",
        )
        .await?;
    let late: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": "late"}}))?;
    accounts.create(&PostParams::default(), &late).await?;
    carries("late", &["pull"]).await?;
    shop.stage
        .reason(
            "Project",
            "team-a",
            "team-a",
            "ServiceAccountsAttached",
            "Succeeded",
        )
        .await?;
    shop.stage
        .apply(
            "team-a",
            project("team-a", Shop::reference(), robot(&["default"])),
        )
        .await?;
    carries("late", &[]).await?;
    shop.stage
        .api("Project", "team-a")
        .delete("team-a", &DeleteParams::default())
        .await?;
    shop.stage.gone("Project", "team-a", "team-a", PATIENCE).await?;
    carries("default", &["theirs"]).await
}

#[tokio::test]
async fn names_are_claimed_and_handed_over() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("one").await?;
    shop.tenant("two").await?;
    let named = || json!({"name": "shared"});
    shop.stage
        .apply("one", project("p", Shop::reference(), named()))
        .await?;
    shop.stage
        .reason("Project", "one", "p", "Ready", "Succeeded")
        .await?;
    shop.stage
        .apply("two", project("p", Shop::reference(), named()))
        .await?;
    let taken = shop
        .stage
        .reason("Project", "two", "p", "Stalled", "NameTaken")
        .await?;
    ensure!(
        !taken["message"].as_str().unwrap_or_default().contains("one/"),
        "{taken}"
    );
    let before = shop.call(Method::GET, "/api/v2.0/projects/shared", None).await?;
    shop.stage
        .api("Project", "one")
        .delete("p", &DeleteParams::default())
        .await?;
    shop.stage.gone("Project", "one", "p", PATIENCE).await?;
    shop.stage
        .reason("Project", "two", "p", "Ready", "Succeeded")
        .await?;
    let after = shop.call(Method::GET, "/api/v2.0/projects/shared", None).await?;
    ensure!(before["project_id"] == after["project_id"]);
    Ok(())
}

#[tokio::test]
async fn b7_adopting_writes_only_what_is_declared() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("t").await?;
    let existing = json!({"project_name": "old", "metadata": {"public": "true"}, "storage_limit": 12345678});
    shop.call(Method::POST, "/api/v2.0/projects", Some(existing))
        .await?;
    let before = shop.call(Method::GET, "/api/v2.0/projects/old", None).await?;
    shop.stage
        .apply("t", project("old", Shop::reference(), json!({})))
        .await?;
    shop.stage
        .reason("Project", "t", "old", "Stalled", "AlreadyExists")
        .await?;
    shop.stage
        .apply(
            "t",
            project(
                "old",
                Shop::reference(),
                json!({"management": "Observe", "visibility": "Private"}),
            ),
        )
        .await?;
    shop.stage
        .reason("Project", "t", "old", "Synced", "Different")
        .await?;
    let pending = shop.stage.api("Project", "t").get("old").await?.data["status"]["pendingChanges"].clone();
    ensure!(pending == json!(["set visibility to Private"]), "{pending}");
    shop.stage
        .apply(
            "t",
            project("old", Shop::reference(), json!({"adoption": "IfUnmanaged"})),
        )
        .await?;
    shop.stage
        .reason("Project", "t", "old", "Ready", "Succeeded")
        .await?;
    let after = shop.call(Method::GET, "/api/v2.0/projects/old", None).await?;
    for key in ["project_id", "metadata", "owner_name"] {
        ensure!(before[key] == after[key], "{key}: {before} {after}");
    }
    Ok(())
}

#[tokio::test]
async fn rotation_overlaps() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("team-a").await?;
    shop.stage
        .apply("team-a", project("team-a", Shop::reference(), robot(&[])))
        .await?;
    let (user, first) = working_token(&shop, "team-a", None).await?;
    shop.stage
        .reason("Project", "team-a", "team-a", "Ready", "Succeeded")
        .await?;
    let api = shop.stage.api("Project", "team-a");
    let now = json!({"metadata": {"annotations": {"slipway.dev/rotate-now": "1"}}});
    api.patch("team-a", &PatchParams::default(), &Patch::Merge(&now))
        .await?;
    let (_, second) = working_token(&shop, "team-a", Some(&first)).await?;
    ensure!(
        shop.logs_in(&user, &first).await?,
        "the old token does not overlap"
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    ensure!(
        shop.credentials("team-a", "pull").await?.1 == second,
        "rotated twice for one value"
    );
    let status = api.get("team-a").await?.data["status"].clone();
    ensure!(
        status["robots"][0]["previousValidUntil"].is_string() && status["lastHandledRotation"] == "1",
        "{status}"
    );
    Ok(())
}

#[tokio::test]
async fn deletion_follows_the_policy() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("t").await?;
    shop.stage
        .apply("t", project("kept", Shop::reference(), robot(&[])))
        .await?;
    let (user, token) = working_token(&shop, "t", None).await?;
    shop.stage
        .api("Project", "t")
        .delete("kept", &DeleteParams::default())
        .await?;
    shop.stage.gone("Project", "t", "kept", PATIENCE).await?;
    ensure!(!shop.logs_in(&user, &token).await?, "the robot stays");
    shop.call(Method::GET, "/api/v2.0/projects/kept", None).await?;
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "t");
    eventually(PATIENCE, "the Secret is gone", || async {
        ensure!(secrets.get_opt("pull").await?.is_none(), "it is there");
        Ok(())
    })
    .await?;
    shop.stage
        .apply(
            "t",
            project("gone", Shop::reference(), json!({"deletionPolicy": "Delete"})),
        )
        .await?;
    shop.stage
        .reason("Project", "t", "gone", "Ready", "Succeeded")
        .await?;
    shop.stage
        .api("Project", "t")
        .delete("gone", &DeleteParams::default())
        .await?;
    shop.stage.gone("Project", "t", "gone", PATIENCE).await?;
    let left = shop.call(Method::GET, "/api/v2.0/projects/gone", None).await;
    ensure!(left.is_err(), "the project is there: {left:?}");
    Ok(())
}

#[tokio::test]
async fn features_that_are_not_there_are_named_and_the_rest_is_applied() -> Result<()> {
    let shop = Shop::open(&[]).await?;
    shop.tenant("t").await?;
    let spec = json!({"visibility": "Public", "security": {"scanOnPush": true}});
    shop.stage
        .apply("t", project("p", Shop::reference(), spec))
        .await?;
    let stalled = shop
        .stage
        .reason("Project", "t", "p", "Stalled", "FeatureUnavailable")
        .await?;
    ensure!(
        stalled["message"]
            .as_str()
            .is_some_and(|m| m.contains("spec.security")),
        "{stalled}"
    );
    let known = shop.call(Method::GET, "/api/v2.0/projects/p", None).await?;
    ensure!(known["metadata"]["public"] == "true", "{known}");
    Ok(())
}

#[tokio::test]
async fn g4_a_restored_project_finds_everything_again() -> Result<()> {
    let mut shop = Shop::open(&[]).await?;
    shop.tenant("t").await?;
    shop.stage
        .apply("t", project("p", Shop::reference(), robot(&[])))
        .await?;
    let (_, token) = working_token(&shop, "t", None).await?;
    let api = shop.stage.api("Project", "t");
    let id = api.get("p").await?.data["status"]["projectId"].clone();
    shop.stage.stop();
    // A backup holds neither status nor uid, and the finalizer goes with the object.
    api.patch(
        "p",
        &PatchParams::default(),
        &Patch::Merge(&json!({"metadata": {"finalizers": null}})),
    )
    .await?;
    api.delete("p", &DeleteParams::default()).await?;
    shop.stage
        .apply("t", project("p", Shop::reference(), robot(&[])))
        .await?;
    shop.stage.start()?;
    shop.stage
        .reason("Project", "t", "p", "Ready", "Succeeded")
        .await?;
    ensure!(
        shop.credentials("t", "pull").await?.1 == token,
        "a new token was made"
    );
    ensure!(
        api.get("p").await?.data["status"]["projectId"] == id,
        "another project"
    );
    Ok(())
}
