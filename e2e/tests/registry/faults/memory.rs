//! Layers of any size go through a small process.

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::{Bytes, BytesMut};
use futures::stream;
use nix::unistd::Pid;
use reqwest::{Body, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::support::random::Random;
use crate::support::stack::Stack;

const PIECE: u64 = 1 << 20;
const PIECES: u64 = 2048;
/// In MiB; a debug build's own code is part of it.
const MOST: u64 = 150;

/// The n-th piece: a block with its number in front, so that no two are equal.
fn piece(block: &[u8], n: u64) -> Bytes {
    let mut piece = BytesMut::from(block);
    piece[..8].copy_from_slice(&n.to_le_bytes());
    piece.freeze()
}

/// Peak of a process's resident memory, in MiB.
pub(crate) fn peak(pid: Pid) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

#[tokio::test]
async fn h58_memory_stays_flat_for_two_gibibytes_up_and_down() -> Result<()> {
    let stack = Stack::start("memory", 1, &[]).await?;
    let (wire, pid) = (stack.wire(0)?, stack.replicas[0].pid()?);
    let before = peak(pid)?;
    let block = Random::new(58).bytes(PIECE);
    let mut hash = Sha256::new();
    for n in 0..PIECES {
        hash.update(piece(&block, n));
    }
    let digest = format!("sha256:{}", hex::encode(hash.finalize()));

    let began = Instant::now();
    let session = wire.session("p/app").await?;
    let pieces = stream::iter((0..PIECES).map(move |n| Ok::<_, std::io::Error>(piece(&block, n))));
    let patched = wire
        .patch(&session, Body::wrap_stream(pieces))
        .await?
        .expect(StatusCode::ACCEPTED)?;
    ensure!(
        patched.header("range") == format!("0-{}", PIECE * PIECES - 1),
        "Range: {}",
        patched.header("range")
    );
    let sent = began.elapsed();
    wire.finish(&session, &digest, Body::default())
        .await?
        .expect(StatusCode::CREATED)?;
    let finished = began.elapsed() - sent;
    let up = peak(pid)?;

    let began = Instant::now();
    let (found, size) = wire.digest_of("p/app", &digest).await?;
    ensure!(
        found == digest && size == PIECE * PIECES,
        "another content came back"
    );
    println!(
        "2 GiB: PATCH {sent:?}, PUT {finished:?}, GET {:?}; peak {before} MiB at rest, {up} MiB up, {} MiB down",
        began.elapsed(),
        peak(pid)?
    );
    ensure!(peak(pid)? < MOST, "the peak is {} MiB", peak(pid)?);
    stack.end().await
}
