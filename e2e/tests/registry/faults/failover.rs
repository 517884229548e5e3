//! The database's primary is lost for good and its standby takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::StatusCode;

use crate::support::content::{Blob, Image};
use crate::support::postgres::Postgres;
use crate::support::proxy::Proxy;
use crate::support::random::Random;
use crate::support::stack::{Stack, create_project};
use crate::support::wire::Wire;

fn image(number: u64, n: u64) -> Image {
    let layer = Blob::new(Random::new(number * 10_000 + n).bytes(20_000));
    Image::new(vec![layer], &format!("{number}-{n}"))
}

/// Pushes until it is told to stop, each image until it is acknowledged; returns how many.
async fn push_on(wire: Wire, number: u64, stop: Arc<AtomicBool>) -> Result<u64> {
    let mut n = 0;
    while !stop.load(Ordering::SeqCst) {
        let (image, began) = (image(number, n), Instant::now());
        while !attempt(&wire, &format!("w{number}-{n}"), &image).await? {
            if began.elapsed() > Duration::from_secs(60) {
                bail!("w{number}-{n} could not be pushed within a minute");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        n += 1;
    }
    Ok(n)
}

/// Whether it was acknowledged; anything but "come again" is an error.
async fn attempt(wire: &Wire, tag: &str, image: &Image) -> Result<bool> {
    let mut answers = Vec::new();
    for blob in &image.blobs {
        answers.push(wire.post_whole("p/app", blob).await?);
    }
    answers.push(wire.put_manifest("p/app", tag, image).await?);
    for answer in &answers {
        match answer.status {
            StatusCode::CREATED => {}
            StatusCode::SERVICE_UNAVAILABLE => return Ok(false),
            // The manifest after a blob that was refused.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND
                if answers
                    .iter()
                    .any(|other| other.status == StatusCode::SERVICE_UNAVAILABLE) =>
            {
                return Ok(false);
            }
            other => bail!("{tag}: {other} {}", answer.text()),
        }
    }
    Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_standby_has_every_acknowledged_push_and_no_replica_is_restarted() -> Result<()> {
    let primary = Postgres::start().await?;
    let proxy = Proxy::start(primary.port()).await?;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port());
    let mut stack = Stack::on(primary, "failover", &[("DATABASE_URL", &url)])?;
    let standby = stack.postgres.standby().await?;
    for _ in 0..2 {
        stack.add_replica(|plan| plan).await?;
    }
    stack.add_worker().await?;
    create_project(&stack.replicas[0].url(), "p").await?;

    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for number in 0..3 {
        let wire = stack.wire(usize::try_from(number)? % 2)?;
        writers.push(tokio::spawn(push_on(wire, number, Arc::clone(&stop))));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    stack.postgres.kill()?;
    standby.promote()?;
    let began = Instant::now();
    proxy.lead_to(standby.port());
    tokio::time::sleep(Duration::from_secs(4)).await;
    stop.store(true, Ordering::SeqCst);
    let mut counts = Vec::new();
    for writer in writers {
        counts.push(writer.await??);
    }
    println!(
        "pushed {counts:?}; the last {:?} after the promotion",
        began.elapsed()
    );

    for (number, count) in (0..).zip(&counts) {
        ensure!(*count > 0, "writer {number} pushed nothing");
        for n in 0..*count {
            let tag = format!("w{number}-{n}");
            let wire = stack.wire(usize::try_from(n)? % 2)?;
            wire.pull("p/app", &tag, &image(number, n))
                .await
                .with_context(|| format!("{tag} was acknowledged"))?;
        }
    }
    for process in stack.replicas.iter_mut().chain(&mut stack.worker) {
        ensure!(process.is_ready().await, "a process is not ready again");
        let status = process.status()?;
        ensure!(status.is_none(), "a process ended with {status:?}");
    }
    // The processes go before the database that they use.
    stack.end().await?;
    drop(standby);
    Ok(())
}
