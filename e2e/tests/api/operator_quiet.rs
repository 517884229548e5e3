//! What must not be seen, must not move, and must not hang.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, project, registry};
use crate::operator_registry::{HOME, HOST, Shop};
use crate::operator_settled::{ready, robot, settled};

#[tokio::test]
async fn a2_objects_go_without_an_operator_or_as_soon_as_there_is_one() -> Result<()> {
    let (mut shop, _nodes) = settled(&[], json!({})).await?;
    shop.stage
        .apply("team-a", project("plain", Shop::reference(), json!({})))
        .await?;
    ready(&shop, "Project", "team-a", "plain").await?;
    let (user, token) = shop.credentials("team-a", "pull").await?;
    shop.stage.stop();
    let projects = shop.stage.api("Project", "team-a");
    projects
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await?;
    shop.stage
        .gone("Project", "team-a", "plain", Duration::from_secs(5))
        .await?;
    ensure!(
        projects.get_opt("team-a").await?.is_some(),
        "its robot would have stayed"
    );
    shop.stage.start()?;
    shop.stage
        .gone("Project", "team-a", "team-a", Duration::from_secs(30))
        .await?;
    ensure!(!shop.logs_in(&user, &token).await?, "the robot stays");
    // Retained objects of a Registry need nobody either.
    shop.stage.stop();
    shop.stage
        .api("Registry", HOME)
        .delete("main", &DeleteParams::default())
        .await?;
    shop.stage
        .gone("Registry", HOME, "main", Duration::from_secs(5))
        .await
}

/// Everything but Secrets that the API server holds in a namespace, as text.
async fn text_of(stage: &Stage, namespace: &str) -> Result<String> {
    let kinds = "registries,projects,events.events.k8s.io,configmaps,deployments,statefulsets,jobs,pods,serviceaccounts,ingresses,services,persistentvolumeclaims";
    stage
        .kubectl(&[
            "get",
            kinds,
            "-n",
            namespace,
            "-o",
            "json",
            "--show-managed-fields",
        ])
        .await
}

#[tokio::test]
async fn f6_no_credential_is_seen_outside_of_secrets() -> Result<()> {
    let (mut shop, _nodes) = settled(&["--resync", "2s"], json!({})).await?;
    // Once more with everything that there is to log, and with things to complain about.
    shop.stage.stop();
    shop.stage.log_everything();
    shop.stage.start()?;
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "team-a");
    secrets.delete("pull", &DeleteParams::default()).await?;
    shop.stage
        .apply("team-a", project("other", json!({"name": "nowhere"}), robot()))
        .await?;
    tokio::time::sleep(Duration::from_secs(8)).await;
    ready(&shop, "Project", "team-a", "team-a").await?;
    let mut values: Vec<(String, String)> = Vec::new();
    for namespace in [HOME, "team-a"] {
        let all: Api<Secret> = Api::namespaced(shop.stage.client.clone(), namespace);
        for secret in all.list(&ListParams::default()).await?.items {
            let name = secret.metadata.name.clone().unwrap_or_default();
            for (key, value) in secret.data.unwrap_or_default() {
                let text = String::from_utf8(value.0)?;
                if key == "username" || key.ends_with(".crt") {
                    continue;
                }
                if key == ".dockerconfigjson" {
                    let config: Value = serde_json::from_str(&text)?;
                    for entry in config["auths"].as_object().context("auths")?.values() {
                        for part in ["password", "auth"] {
                            values.push((
                                format!("{name}/{part}"),
                                entry[part].as_str().context("text")?.to_owned(),
                            ));
                        }
                    }
                } else if key.ends_with(".key") {
                    let line = text.lines().nth(1).unwrap_or_default().to_owned();
                    values.push((format!("{name}/{key}"), line));
                } else {
                    values.push((format!("{name}/{key}"), text));
                }
            }
        }
    }
    ensure!(
        values.len() >= 8,
        "{:?}",
        values.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    let places = [
        ("the log", shop.stage.logged()),
        ("objects of the Registry", text_of(&shop.stage, HOME).await?),
        ("objects of the tenant", text_of(&shop.stage, "team-a").await?),
        (
            "the audit log",
            std::fs::read_to_string(shop.stage.server.audit_log())?,
        ),
    ];
    for (name, value) in &values {
        ensure!(value.len() >= 12, "{name} is short");
        let encoded = base64::engine::general_purpose::STANDARD.encode(value);
        for (place, text) in &places {
            ensure!(
                !text.contains(value) && !text.contains(&encoded),
                "{name} stands in {place}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn c5_pushes_move_nothing_in_the_objects() -> Result<()> {
    let (shop, _nodes) = settled(&["--resync", "2s"], json!({})).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let versions = async || -> Result<_> {
        let project = shop
            .stage
            .api("Project", "team-a")
            .get("team-a")
            .await?
            .metadata
            .resource_version;
        Ok((
            project,
            shop.stage
                .api("Registry", HOME)
                .get("main")
                .await?
                .metadata
                .resource_version,
        ))
    };
    let before = versions().await?;
    for number in 0..60 {
        shop.push("team-a/app", &format!("v{number}")).await?;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    ensure!(versions().await? == before, "traffic shows in an object");
    let found = shop
        .call(Method::GET, "/api/v2.0/projects/team-a/summary", None)
        .await?;
    ensure!(found["repo_count"] == 1, "{found}");
    Ok(())
}

#[tokio::test]
async fn b6_another_robot_prefix_is_no_difference() -> Result<()> {
    let (mut shop, _nodes) = settled(&["--resync", "1s"], json!({})).await?;
    let (user, token) = shop.credentials("team-a", "pull").await?;
    shop.reopen(&[("SLIPWAY_ROBOT_NAME_PREFIX", "bot_")]).await?;
    let (renamed, same) = eventually(Duration::from_secs(45), "the new name in the Secret", || async {
        let (renamed, same) = shop.credentials("team-a", "pull").await?;
        ensure!(renamed != user && renamed.starts_with("bot_"), "{renamed}");
        Ok((renamed, same))
    })
    .await?;
    ensure!(same == token, "a new token was made");
    ensure!(shop.logs_in(&renamed, &same).await?, "{renamed} does not log in");
    tokio::time::sleep(Duration::from_secs(4)).await;
    let before = (shop.stage.writes()?.len(), shop.changes().await?);
    let path = "/api/v2.0/robots?page_size=100";
    let robots = shop.call(Method::GET, path, None).await?;
    // Several resyncs: nothing is written to Kubernetes or asked of the registry.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let after = (shop.stage.writes()?.len(), shop.changes().await?);
    ensure!(before == after, "{:#?}", &shop.stage.writes()?[before.0..]);
    ensure!(robots == shop.call(Method::GET, path, None).await?);
    ensure!(
        shop.call(Method::GET, "/api/v2.0/projects", None)
            .await?
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["name"] == "team-a"))
    );
    Ok(())
}

#[tokio::test]
async fn b2_every_host_name_stands_in_the_pull_secret() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({})).await?;
    let (_, token) = shop.credentials("team-a", "pull").await?;
    let more = json!({"spec": {"additionalHostnames": ["mirror.example.org:8443", "registry.internal"]}});
    shop.stage
        .api("Registry", HOME)
        .patch("main", &PatchParams::default(), &Patch::Merge(&more))
        .await?;
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "team-a");
    let auths = eventually(Duration::from_secs(30), "all names", || async {
        let data = secrets.get("pull").await?.data.context("data")?;
        let config: Value = serde_json::from_slice(&data[".dockerconfigjson"].0)?;
        let auths = config["auths"].as_object().context("auths")?.clone();
        ensure!(auths.len() == 3, "{:?}", auths.keys());
        Ok(auths)
    })
    .await?;
    let hosts: BTreeSet<&str> = auths.keys().map(String::as_str).collect();
    ensure!(
        hosts == BTreeSet::from([HOST, "mirror.example.org:8443", "registry.internal"]),
        "{hosts:?}"
    );
    for (host, entry) in &auths {
        let text = |key: &str| entry[key].as_str().context("text");
        let decoded = base64::engine::general_purpose::STANDARD.decode(text("auth")?)?;
        let pair = format!("{}:{}", text("username")?, text("password")?);
        ensure!(decoded == pair.as_bytes() && text("password")? == token, "{host}");
    }
    Ok(())
}

#[tokio::test]
async fn a4_nothing_of_a_tenants_namespace_is_needed_to_let_go() -> Result<()> {
    let (shop, _nodes) = settled(&[], json!({})).await?;
    let (user, token) = shop.credentials("team-a", "pull").await?;
    // Every Secret and account of the namespace goes first, as it does when a whole namespace is deleted.
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "team-a");
    let project = shop.stage.api("Project", "team-a");
    project.delete("team-a", &DeleteParams::default()).await?;
    secrets
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await?;
    shop.stage
        .gone("Project", "team-a", "team-a", Duration::from_secs(15))
        .await?;
    ensure!(!shop.logs_in(&user, &token).await?, "the robot stays");
    // A Registry that is gone before its Projects: they let go as well.
    shop.stage.apply("team-a", project_again()).await?;
    ready(&shop, "Project", "team-a", "team-b").await?;
    shop.stage
        .api("Registry", HOME)
        .delete("main", &DeleteParams::default())
        .await?;
    shop.stage
        .gone("Registry", HOME, "main", Duration::from_secs(15))
        .await?;
    project.delete("team-b", &DeleteParams::default()).await?;
    shop.stage
        .gone("Project", "team-a", "team-b", Duration::from_secs(15))
        .await
}

fn project_again() -> Value {
    let mut spec = robot();
    spec["robots"][0]["secret"]["name"] = json!("pull-b");
    project("team-b", Shop::reference(), spec)
}

#[tokio::test]
async fn c1_failing_objects_give_few_events() -> Result<()> {
    let stage = Stage::set(&["--resync", "1s"]).await?;
    stage.namespace("r", json!({})).await?;
    let class = json!({"managed": {"storage": {"filesystem": {"storageClassName": "nope"}}}});
    stage.apply("r", registry("main", class)).await?;
    for name in ["one", "two"] {
        stage
            .apply("r", project(name, json!({"name": "none"}), json!({})))
            .await?;
        stage
            .reason("Project", "r", name, "Stalled", "RegistryUnavailable")
            .await?;
    }
    stage
        .reason("Registry", "r", "main", "Stalled", "StorageClassNotFound")
        .await?;
    for turn in 0..5 {
        let touch = format!("slipway.dev/reconcile-now={turn}");
        stage
            .kubectl(&[
                "annotate",
                "--overwrite",
                "-n",
                "r",
                "registry/main",
                "rproj/one",
                "rproj/two",
                &touch,
            ])
            .await?;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let text = stage
        .kubectl(&["get", "events.events.k8s.io", "-n", "r", "-o", "json"])
        .await?;
    let list: Value = serde_json::from_str(&text)?;
    for (kind, name) in [("Registry", "main"), ("Project", "one"), ("Project", "two")] {
        let of = list["items"]
            .as_array()
            .context("a list")?
            .iter()
            .filter(|one| one["regarding"]["kind"] == kind && one["regarding"]["name"] == name)
            .count();
        ensure!((1..=5).contains(&of), "{of} Events on {kind} {name}");
    }
    Ok(())
}
