//! One leader at a time, and the next one soon.

use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use slipway_e2e::scenario::eventually;

use crate::operator_harness::{Stage, registry};

fn signal(child: &Child, signal: Signal) -> Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(child.id())?), signal)?)
}

/// Kills a process when the test ends.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test]
async fn g3_a_stopped_leader_is_replaced_and_writes_nothing_more() -> Result<()> {
    let mut stage = Stage::set(&["--leader-elect"]).await?;
    stage.namespace("r", json!({})).await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "r");
    stage.apply("r", registry("first", json!({}))).await?;
    eventually(Duration::from_secs(20), "the first leader works", || async {
        Ok(secrets.get("first-system").await.map(drop)?)
    })
    .await?;
    let _second = Reaped(stage.spawn(&["--pod-name", "second"])?);
    tokio::time::sleep(Duration::from_secs(3)).await;

    signal(stage.operator()?, Signal::SIGSTOP)?;
    let stopped = Instant::now();
    stage.apply("r", registry("second", json!({}))).await?;
    eventually(Duration::from_secs(20), "the second leader works", || async {
        Ok(secrets.get("second-system").await.map(drop)?)
    })
    .await?;
    ensure!(
        stopped.elapsed() < Duration::from_secs(15),
        "the next leader took {:?}",
        stopped.elapsed()
    );

    signal(stage.operator()?, Signal::SIGCONT)?;
    let woken = Instant::now();
    loop {
        if let Some(status) = stage.operator()?.try_wait()? {
            ensure!(
                !status.success(),
                "a leader that lost its lease ends with an error"
            );
            return Ok(());
        }
        if woken.elapsed() > Duration::from_secs(10) {
            bail!("the old leader goes on");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn g3_a_leader_that_ends_gives_the_lease_back() -> Result<()> {
    let mut stage = Stage::set(&["--leader-elect"]).await?;
    stage.namespace("r", json!({})).await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), "r");
    stage.apply("r", registry("first", json!({}))).await?;
    eventually(Duration::from_secs(20), "the first leader works", || async {
        Ok(secrets.get("first-system").await.map(drop)?)
    })
    .await?;
    let _second = Reaped(stage.spawn(&["--pod-name", "second"])?);
    tokio::time::sleep(Duration::from_secs(3)).await;
    signal(stage.operator()?, Signal::SIGTERM)?;
    stage.apply("r", registry("second", json!({}))).await?;
    let patience = Duration::from_secs(8);
    eventually(patience, "the second leader works", || async {
        Ok(secrets.get("second-system").await.map(drop)?)
    })
    .await
}

#[tokio::test]
async fn g3_another_installation_leaves_objects_alone() -> Result<()> {
    let stage = Stage::set(&[]).await?;
    stage.namespace("r", json!({})).await?;
    stage.apply("r", registry("main", json!({}))).await?;
    stage
        .reason("Registry", "r", "main", "DatabaseReady", "Progressing")
        .await?;
    let _second = Reaped(stage.spawn_other("other")?);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = stage.writes()?.len();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = stage.writes()?;
    ensure!(after.len() == before, "{:#?}", &after[before..]);
    let status = stage.api("Registry", "r").get("main").await?.data["status"].clone();
    ensure!(status["installation"] == "test", "{status}");
    Ok(())
}
