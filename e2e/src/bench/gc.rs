//! Garbage collection while pushes go on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;

use super::Bench;
use super::client::Client;
use super::compare::{Case, Contender, rate};
use super::content::Image;
use super::images::{self, Crowd, Place};
use super::load::Load;
use super::random::Random;
use super::report::{Cost, Report, Samples};
use super::slipway::Slipway;

/// Artifacts to collect in each round, each with 4 blobs that nothing else refers to.
const ARTIFACTS: usize = 400;
const CLIENTS: usize = 8;

/// How fast a worker collects what was deleted, and what that leaves for pushes.
pub(super) async fn collect(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "gc",
        "A worker collects 400 deleted images of 4 blobs each while 8 clients push small images; the same pushes alone. \
         distribution collects only while it is stopped or read-only, so there is nothing to compare with.",
    );
    let mut slipway = bench.slipway(&[("GC_GRACE", "1s")]).await?;
    slipway.add_worker().await?;
    // Only the collections that are timed.
    slipway
        .services()
        .run_sql("UPDATE job_schedules SET enabled = false;")?;
    let places = images::one_project(&slipway, CLIENTS).await?;
    let contender = Contender::slipway(&slipway)?;
    let mut samples: [Samples; 3] = Default::default();
    for round in 0..bench.options.rounds as u64 {
        let alone = crowd(&places, 2 * round);
        contender
            .sample(&mut samples[2], rate, alone.push(&contender.host, bench.sample()))
            .await?;
        delete(&contender.host, &places, round).await?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let (collected, pushed) = tokio::join!(
            run(&slipway),
            // Long enough for the worker to come by and for most of the collection.
            crowd(&places, 2 * round + 1).push(&contender.host, bench.sample() + Duration::from_secs(3)),
        );
        let (collected, pushed) = (collected?, pushed?);
        samples[0].add(rate(&collected), collected, Cost::default());
        samples[1].add(rate(&pushed), pushed, Cost::default());
    }
    let case = |name, unit| Case {
        name,
        unit,
        value: rate,
        connections: CLIENTS,
        target: |_| None,
    };
    let [collected, during, alone] = samples;
    report
        .rows
        .extend(case("collected while 8 clients push", "artifacts/s").rows(&["slipway"], vec![collected]));
    report
        .rows
        .extend(case("pushes meanwhile", "images/s").rows(&["slipway"], vec![during]));
    report
        .rows
        .extend(case("pushes alone", "images/s").rows(&["slipway"], vec![alone]));
    slipway.end().await?;
    Ok(report)
}

fn crowd(places: &[Place], seed: u64) -> Crowd<'_> {
    Crowd {
        places,
        step: 0,
        clients: CLIENTS,
        seed: seed + 1000,
        with_tokens: true,
    }
}

/// Pushes what is to be collected, and deletes it.
async fn delete(host: &str, places: &[Place], round: u64) -> Result<()> {
    let clients = places
        .iter()
        .enumerate()
        .map(|(number, (repository, bearer))| async move {
            let mut client = Client::open(host, bearer).await?;
            let mut random = Random::new((round + 1) << 32 | number as u64);
            for at in 0..ARTIFACTS / CLIENTS {
                let image = Image::random(&mut random, 3, 10 * 1024);
                client
                    .push(repository, &format!("old-{round}-{at}"), &image)
                    .await?;
                client
                    .delete(&format!("/v2/{repository}/manifests/{}", image.digest))
                    .await?;
            }
            anyhow::Ok(())
        });
    try_join_all(clients).await.map(drop)
}

/// Puts the job of the schedule into the queue and waits for its end; the time is that of the job itself.
async fn run(slipway: &Slipway) -> Result<Load> {
    let services = slipway.services();
    let waiting = "SELECT count(*) FROM blob_reviews WHERE not_before <= now();";
    let before: u64 = services.query(waiting)?.trim().parse()?;
    ensure!(
        before >= 4 * ARTIFACTS as u64,
        "{before} blobs wait for their review instead of {}",
        4 * ARTIFACTS
    );
    let id = services.query(
        "INSERT INTO jobs (kind, payload, run_at, max_attempts, created_at)
         VALUES ('collect_blobs', 'null', now(), 3, now()) RETURNING id;",
    )?;
    let id: i64 = id.trim().parse()?;
    let began = Instant::now();
    let ended = format!(
        "SELECT state, extract(epoch FROM ended_at - started_at) FROM jobs WHERE id = {id} AND ended_at IS NOT NULL;"
    );
    let row = loop {
        let row = services.query(&ended)?;
        if !row.trim().is_empty() {
            break row;
        }
        ensure!(
            began.elapsed() < Duration::from_secs(300),
            "the collection does not end"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    };
    let (state, seconds) = row.trim().split_once('|').context("a job without a time")?;
    ensure!(state == "success", "the collection ended with {state}");
    let left: u64 = services
        .query("SELECT count(*) FROM doomed_objects;")?
        .trim()
        .parse()?;
    ensure!(left == 0, "{left} objects are left");
    Ok(Load {
        operations: before / 4,
        elapsed: Duration::from_secs_f64(seconds.parse()?),
        ..Load::default()
    })
}
