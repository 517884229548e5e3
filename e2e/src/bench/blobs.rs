//! Blobs: pulls of 100 MiB, pushes of 1 GiB.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Bench;
use super::client::Client;
use super::compare::{Case, Contender, throughput};
use super::content::{Blob, digest};
use super::load::{Load, Reads, Thing};
use super::pair::{Pair, REPOSITORY};
use super::peers::Peer;
use super::random::Random;
use super::report::{Cost, Report, Samples};

const MIB: usize = 1 << 20;

/// Pulls beside nginx and distribution.
pub(super) async fn pull(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "blob-pull",
        "One blob of 100 MiB that the page cache holds. nginx: the same bytes as a plain file, sendfile on.",
    );
    let pair = Pair::start(bench).await?;
    let files = bench.folder.path().join("files");
    fs::create_dir(&files)?;
    let nginx = Peer::nginx(&files, bench.folder.path(), bench.progress)?;
    let blob = Blob::random(&mut Random::new(1), 100 * MIB);
    fs::write(files.join(&blob.digest), &blob.bytes)?;
    let path = format!("/v2/{REPOSITORY}/blobs/");
    let [(slipway, bearer), (distribution, none)] = pair.contenders()?;
    let contenders = [
        (slipway, path.as_str(), bearer),
        (Contender::peer("nginx", &nginx)?, "/", ""),
        (distribution, path.as_str(), none),
    ];
    for (contender, path, headers) in &contenders {
        if *path != "/" {
            let mut client = Client::open(&contender.host, headers).await?;
            client.upload(REPOSITORY, &blob).await?;
        }
    }
    let thing = Thing::new(&blob.digest, blob.bytes.len() as u64);
    for streams in [1, 16] {
        let name = format!("{streams} streams");
        let case = Case {
            name: &name,
            unit: "MiB/s",
            value: throughput,
            connections: streams,
            target: |name| match name {
                "nginx" => Some("≥ 1x"),
                "distribution" => Some("≥ 1.2x"),
                _ => None,
            },
        };
        let turns: Vec<_> = contenders
            .iter()
            .map(|(contender, path, headers)| {
                let things = vec![thing.clone()];
                (
                    contender,
                    Reads::new("GET", &contender.host, path, headers, things),
                )
            })
            .collect();
        report.rows.extend(case.reads(bench, &turns).await?);
    }
    pair.end().await?;
    Ok(report)
}

/// Pushes beside distribution, and beside the two things that every push must do.
pub(super) async fn push(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "blob-push",
        "One blob of 1 GiB, another one each time: POST, PATCH, PUT. Beside it SHA-256 of the same bytes on one core, \
         and a plain write with fsync to the same disk.",
    );
    let pair = Pair::start(bench).await?;
    let contenders = pair.contenders()?;
    let mut bytes = vec![0; 1 << 30];
    Random::new(1).fill(&mut bytes);
    let mut samples: [Samples; 5] = Default::default();
    for round in 0..bench.options.rounds {
        bytes[..8].copy_from_slice(&(round as u64).to_le_bytes());
        let began = Instant::now();
        let name = digest(&bytes);
        let hashed = one(&bytes, began.elapsed());
        for ((contender, headers), samples) in contenders.iter().zip(&mut samples) {
            let mut client = Client::open(&contender.host, headers).await?;
            let work = async {
                let began = Instant::now();
                client.upload_as(REPOSITORY, &name, &bytes).await?;
                Ok(one(&bytes, began.elapsed()))
            };
            contender.sample(samples, throughput, work).await?;
        }
        let written = one(&bytes, write(&bench.folder.path().join("plain"), &bytes)?);
        let values = [throughput(&hashed), throughput(&written)];
        samples[2].add(values[0], hashed, Cost::default());
        samples[3].add(values[1], written, Cost::default());
        samples[4].add(values[0].min(values[1]), Load::default(), Cost::default());
    }
    let case = Case {
        name: "1 stream",
        unit: "MiB/s",
        value: throughput,
        connections: 1,
        target: |name| (name == "the slower of both").then_some("≥ 0.9x"),
    };
    let names = [
        "slipway",
        "distribution",
        "SHA-256, one core",
        "write and fsync",
        "the slower of both",
    ];
    report.rows = case.rows(&names, samples.into());
    pair.end().await?;
    Ok(report)
}

fn one(bytes: &[u8], elapsed: Duration) -> Load {
    Load {
        operations: 1,
        bytes: bytes.len() as u64,
        elapsed,
        latencies: vec![elapsed],
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<Duration> {
    let began = Instant::now();
    let mut file = File::create(path)?;
    for piece in bytes.chunks(MIB) {
        file.write_all(piece)?;
    }
    file.sync_all()?;
    let elapsed = began.elapsed();
    fs::remove_file(path)?;
    Ok(elapsed)
}
