//! Everything at once, for as long as one likes: pushes, moved tags, mounts, deletions and pulls by several clients at two
//! replicas, collection in between, and kill -9 of every process. `cargo xtask soak` runs it long, the tests run it short.

mod accounts;
mod ledger;
mod tenant;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::faults::memory::peak;
use crate::support::killer::Killer;
use crate::support::random::Random;
use crate::support::stack::{Stack, create_project};
use ledger::Ledger;
use tenant::Tenant;

/// Another one tries other moments; `SLIPWAY_TEST_SEED` wins over it.
const SEED: u64 = 20_261_126;
/// Seconds; `SLIPWAY_SOAK_SECONDS` wins over it.
const SHORT: u64 = 30;
/// Two clients share a project, so that they share blobs and its quota.
const TENANTS: usize = 6;
const PROJECTS: [&str; 3] = ["p", "q", "r"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soak_of_pushes_mounts_deletions_collections_and_kills_loses_nothing() -> Result<()> {
    let setting = |name: &str, default| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let seed = setting("SLIPWAY_TEST_SEED", SEED);
    run(seed, Duration::from_secs(setting("SLIPWAY_SOAK_SECONDS", SHORT)))
        .await
        .with_context(|| format!("with SLIPWAY_TEST_SEED={seed}"))
}

async fn run(seed: u64, length: Duration) -> Result<()> {
    let mut stack = Stack::start("soak", 2, &[("UPLOAD_EXPIRY", "60s"), ("GC_GRACE", "1s")]).await?;
    for project in &PROJECTS[1..] {
        create_project(&stack.replicas[0].url(), project).await?;
    }
    stack.add_worker().await?;

    let began = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        let project = PROJECTS[number % PROJECTS.len()];
        let wires = [stack.wire(0)?, stack.wire(1)?];
        let tenant = Tenant::new(number, project, seed, wires, Arc::clone(&stop));
        tenants.push(tokio::spawn(tenant.run()));
    }
    let killed = kill_until(&mut stack, seed, began + length, || {
        tenants.iter().any(tokio::task::JoinHandle::is_finished)
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    let (mut ledger, mut wrong) = (Ledger::default(), Vec::new());
    for tenant in tenants {
        match tenant.await? {
            Ok(more) => ledger.merge(more),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    println!("{} in {:?}\n{}", killed?, began.elapsed(), ledger.summary());
    ensure!(
        wrong.is_empty(),
        "clients met what they should not: {}",
        wrong.join("\n")
    );
    accounts::everything_is_as_acknowledged(&stack, &ledger).await?;
    accounts::usage_and_store_are_exact(&stack, &ledger).await?;
    for replica in &stack.replicas {
        println!(
            "{}: peak of {} MiB since its last start",
            replica.host(),
            peak(replica.pid()?)?
        );
    }
    stack.end().await
}

/// A kill every now and then, more seldom as the soak gets longer, until it is over or a client gave up.
async fn kill_until(stack: &mut Stack, seed: u64, end: Instant, over: impl Fn() -> bool) -> Result<String> {
    let (mut killer, mut random) = (Killer::new(seed), Random::new(seed ^ 0x70_61_75_73));
    while Instant::now() < end && !over() {
        killer.kill(stack, 1, &over).await?;
        // Some time in which everything works, for the collection and the pulls.
        let pause = Duration::from_millis(random.between(200, 4_000));
        tokio::time::sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
    }
    Ok(killer.summary())
}
