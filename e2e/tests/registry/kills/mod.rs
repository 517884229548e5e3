//! kill -9 of everything, at random moments of a push loop: whoever got his 201 finds it again, and nothing else is there.

mod afterwards;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::support::killer::Killer;
use crate::support::stack::Stack;
use writer::{Pushed, Writer};

/// Another one tries other moments; `SLIPWAY_TEST_SEED` wins over it.
const SEED: u64 = 20_261_125;
const WRITERS: u64 = 4;
const KILLS: usize = 52;
const REPOSITORY: &str = "p/app";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_kills_lose_no_acknowledged_push_and_leave_nothing_else() -> Result<()> {
    let seed = std::env::var("SLIPWAY_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(SEED);
    run(seed)
        .await
        .with_context(|| format!("with SLIPWAY_TEST_SEED={seed}"))
}

async fn run(seed: u64) -> Result<()> {
    let began = Instant::now();
    let mut stack = Stack::start("kills", 2, &[("UPLOAD_EXPIRY", "60s"), ("GC_GRACE", "1s")]).await?;
    stack.add_worker().await?;
    println!("ready after {:?}", began.elapsed());

    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let writer = Writer::new(number, seed, [stack.wire(0)?, stack.wire(1)?], Arc::clone(&stop));
        writers.push(tokio::spawn(writer.run()));
    }
    let mut killer = Killer::new(seed);
    // Servers are started by this thread, which lives as long as the test.
    let killed = killer
        .kill(&mut stack, KILLS, || {
            writers.iter().any(tokio::task::JoinHandle::is_finished)
        })
        .await;
    stop.store(true, Ordering::SeqCst);
    let mut pushed = Pushed::default();
    let mut wrong = Vec::new();
    for writer in writers {
        match writer.await? {
            Ok(more) => pushed.merge(more),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    println!("{} after {:?}", killer.summary(), began.elapsed());
    killed?;
    anyhow::ensure!(
        wrong.is_empty(),
        "writers met what they should not: {}",
        wrong.join("\n")
    );
    println!("{}", pushed.summary());

    afterwards::everything_acknowledged_is_whole(&stack, &pushed).await?;
    println!("all pulled whole after {:?}", began.elapsed());
    afterwards::nothing_else_is_visible(&stack, &pushed).await?;
    afterwards::only_the_living_stays(&stack, &mut pushed).await?;
    println!("collected after {:?}", began.elapsed());
    stack.end().await
}
