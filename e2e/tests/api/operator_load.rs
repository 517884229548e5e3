//! Many objects, and objects that are large.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams, PostParams};
use reqwest::Method;
use serde_json::json;
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, project, registry};
use crate::operator_registry::Shop;
use crate::operator_settled::{ready, settled};

/// What the chart lets the operator have.
const MEMORY: u64 = 150 << 20;

/// The most memory that the operator ever had.
fn peak(stage: &mut Stage) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", stage.operator()?.id()))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kilobytes << 10)
}

#[tokio::test]
async fn f5_secrets_of_others_are_not_kept_in_memory() -> Result<()> {
    let mut stage = Stage::set(&["--resync", "2s"]).await?;
    stage.stop();
    stage.namespace("t", json!({})).await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "t");
    let content = "x".repeat(700 << 10);
    stream::iter(0..300)
        .map(|index| {
            let secret =
                json!({"metadata": {"name": format!("release-{index}")}, "stringData": {"release": content}});
            let secrets = secrets.clone();
            async move {
                let secret: Secret = serde_json::from_value(secret)?;
                secrets.create(&PostParams::default(), &secret).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(4)
        .try_collect::<Vec<_>>()
        .await?;
    stage.start()?;
    stage.namespace("r", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let peak = peak(&mut stage)?;
    ensure!(peak < MEMORY, "{} MiB", peak >> 20);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_a_change_does_not_stand_behind_everything_else() -> Result<()> {
    const MANY: usize = 240;
    let (mut shop, _nodes) = settled(&[], json!({})).await?;
    for index in 0..MANY {
        let name = format!("p{index}");
        shop.stage
            .apply("team-a", project(&name, Shop::reference(), json!({})))
            .await?;
    }
    let projects = shop.stage.api("Project", "team-a");
    eventually(Duration::from_secs(180), "all are ready", || async {
        let list = projects.list(&Default::default()).await?.items;
        let left = list.iter().filter(|one| {
            let conditions = one.data["status"]["conditions"].as_array();
            !conditions
                .into_iter()
                .flatten()
                .any(|one| one["type"] == "Ready" && one["status"] == "True")
        });
        let left = left.count();
        ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await?;
    shop.stage.stop();
    let public = json!({"spec": {"visibility": "Public"}});
    projects
        .patch("p77", &PatchParams::default(), &Patch::Merge(&public))
        .await?;
    let before = shop.requests().await?;
    shop.stage.start()?;
    let began = Instant::now();
    eventually(Duration::from_secs(20), "the change", || async {
        let known = shop.call(Method::GET, "/api/v2.0/projects/p77", None).await?;
        ensure!(known["metadata"]["public"] == "true");
        Ok(())
    })
    .await?;
    let (took, asked) = (began.elapsed(), shop.requests().await? - before);
    ensure!(
        asked < u64::try_from(MANY)?,
        "{asked} requests came before the change, which took {took:?}"
    );
    ready(&shop, "Project", "team-a", "p77").await?;
    let peak = peak(&mut shop.stage)?;
    ensure!(peak < MEMORY, "{} MiB", peak >> 20);
    Ok(())
}
