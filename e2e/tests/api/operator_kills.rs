//! kill -9 of the operator at any moment: afterwards everything is as declared, once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::{Api, DeleteParams, ListParams};
use reqwest::Method;
use serde_json::{Value, json};
use slipway_e2e::scenario::eventually;

use crate::operator_harness::project;
use crate::operator_registry::{HOST, Shop};
use crate::operator_settled::ready;
use crate::pretended_nodes::PretendedNodes;

const PROJECTS: usize = 12;
const KILLS: u64 = 25;

fn name(index: usize) -> String {
    format!("team-{index}")
}

fn declared(index: usize) -> Value {
    let robot = |robot: &str| {
        json!({"name": robot, "secret": {"name": format!("{}-{robot}", name(index))},
        "expiresAfter": "90d", "permissions": [{"resource": "repository", "actions": ["pull"]}],
        "attachToServiceAccounts": ["default"]})
    };
    project(
        &name(index),
        Shop::reference(),
        json!({"quota": {"storage": "2Gi"}, "robots": [robot("ci"), robot("cd")]}),
    )
}

/// Moments without a pattern, the same in every run.
fn moment(kill: u64) -> Duration {
    Duration::from_millis(40 + kill.wrapping_mul(6_364_136_223_846_793_005).rotate_left(21) % 1400)
}

#[tokio::test]
async fn kills_at_any_moment_leave_one_of_everything() -> Result<()> {
    let mut shop = Shop::open(&["--resync", "2s"]).await?;
    let _nodes = PretendedNodes::join(shop.stage.client.clone());
    shop.tenant("t").await?;
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "t");
    for kill in 0..KILLS {
        let turn = usize::try_from(kill)?;
        // Work for the process that is about to die: Projects that come, Secrets and robots that go.
        if turn < PROJECTS {
            shop.stage.apply("t", declared(turn)).await?;
        }
        if kill % 3 == 2 {
            let lost = format!("{}-ci", name(turn % PROJECTS));
            let _maybe_not_there = secrets.delete(&lost, &DeleteParams::default()).await;
        }
        tokio::time::sleep(moment(kill)).await;
        shop.stage.stop();
        shop.stage.start()?;
    }
    for index in 0..PROJECTS {
        ready(&shop, "Project", "t", &name(index)).await?;
    }
    eventually(Duration::from_secs(60), "one of everything", || {
        one_of_everything(&shop)
    })
    .await?;

    // At rest: not one more write, and every token stays.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (before, tokens) = (shop.stage.writes()?.len(), data(&secrets).await?);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let after = shop.stage.writes()?;
    ensure!(after.len() == before, "{:#?}", &after[before..]);
    ensure!(data(&secrets).await? == tokens, "a Secret changed at rest");
    Ok(())
}

async fn data(secrets: &Api<Secret>) -> Result<BTreeMap<String, Value>> {
    let list = secrets.list(&ListParams::default()).await?;
    list.items
        .into_iter()
        .map(|secret| {
            Ok((
                secret.metadata.name.context("a name")?,
                serde_json::to_value(secret.data)?,
            ))
        })
        .collect()
}

async fn one_of_everything(shop: &Shop) -> Result<()> {
    let projects = shop
        .call(Method::GET, "/api/v2.0/projects?page_size=100", None)
        .await?;
    let known: Vec<&str> = projects
        .as_array()
        .context("a list")?
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    let accounts: Api<ServiceAccount> = Api::namespaced(shop.stage.client.clone(), "t");
    let mut attached = BTreeSet::new();
    for entry in accounts
        .get("default")
        .await?
        .image_pull_secrets
        .unwrap_or_default()
    {
        ensure!(
            attached.insert(entry.name.clone()),
            "{} is attached twice",
            entry.name
        );
    }
    for index in 0..PROJECTS {
        let name = name(index);
        ensure!(
            known.iter().filter(|one| **one == name).count() == 1,
            "{name} among {known:?}"
        );
        let id = projects
            .as_array()
            .context("a list")?
            .iter()
            .find(|one| one["name"] == name.as_str())
            .context("it")?["project_id"]
            .clone();
        let path = format!("/api/v2.0/robots?q=Level%3Dproject%2CProjectID%3D{id}&page_size=100");
        let robots = shop.call(Method::GET, &path, None).await?;
        let names: BTreeSet<&str> = robots
            .as_array()
            .context("a list")?
            .iter()
            .filter_map(|one| one["name"].as_str())
            .collect();
        ensure!(
            robots.as_array().map(Vec::len) == Some(2) && names.len() == 2,
            "{name}: {robots}"
        );
        for robot in ["ci", "cd"] {
            let secret = format!("{name}-{robot}");
            let (user, token) = shop.credentials("t", &secret).await?;
            ensure!(
                shop.logs_in(&user, &token).await?,
                "{user} of {HOST} does not log in"
            );
            ensure!(
                attached.contains(&secret),
                "{secret} is not attached: {attached:?}"
            );
        }
    }
    let secrets: Api<Secret> = Api::namespaced(shop.stage.client.clone(), "t");
    let all = data(&secrets).await?;
    ensure!(all.len() == 2 * PROJECTS, "{:?}", all.keys());
    Ok(())
}
