//! Peak memory of one process that goes through everything.

use anyhow::Result;

use super::Bench;
use super::client::Client;
use super::compare::{Case, Contender};
use super::content::{Blob, Image, MANIFEST, digest};
use super::images::{self, Crowd, Place};
use super::load::{self, Load, Reads, Thing};
use super::peers::Peer;
use super::random::Random;
use super::report::{Cost, Report, Samples};

const MIB: usize = 1 << 20;

/// The peak after each stage, since the start: stages add up.
pub(super) async fn memory(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "memory",
        "Peak memory (VmHWM) since the start of one process that goes through these stages, one after the other. \
         Slipway: `serve` alone, without PostgreSQL.",
    );
    let slipway = bench.slipway(&[]).await?;
    let distribution = Peer::distribution(bench.folder.path(), bench.progress)?;
    let places = images::one_project(&slipway, 64).await?;
    let contenders = [
        Contender::slipway(&slipway)?,
        Contender::peer("distribution", &distribution)?,
    ];
    let mut stages: [Vec<Samples>; 5] = std::array::from_fn(|_| Vec::new());
    for (at, contender) in contenders.iter().enumerate() {
        let peaks = stages_of(bench, contender, &places, at == 0).await?;
        for (samples, peak) in stages.iter_mut().zip(peaks) {
            let mut sample = Samples::default();
            let cost = Cost {
                memory: peak,
                ..Cost::default()
            };
            sample.add(peak as f64 / MIB as f64, Load::default(), cost);
            samples.push(sample);
        }
    }
    let names = contenders.each_ref().map(|contender| contender.name);
    for (name, samples) in STAGES.iter().zip(stages) {
        let case = Case {
            name,
            unit: "MiB",
            value: |_| 0.0,
            connections: 1,
            target: |name| (name == "slipway").then_some("≤ 128 MiB"),
        };
        report.rows.extend(case.rows(&names, samples));
    }
    slipway.end().await?;
    Ok(report)
}

const STAGES: [&str; 5] = [
    "manifest by 32 connections",
    "then 100 MiB by 16 streams",
    "then a push of 1 GiB",
    "then 4 pushes of 100 MiB at once",
    "then small images by 64 clients",
];

async fn stages_of(
    bench: &Bench<'_>,
    contender: &Contender,
    places: &[Place],
    with_tokens: bool,
) -> Result<[u64; 5]> {
    let host = contender.host.as_str();
    let (repository, bearer) = &places[0];
    let headers = if with_tokens { bearer.as_str() } else { "" };
    let mut random = Random::new(1);
    let mut client = Client::open(host, headers).await?;
    let image = Image::random(&mut random, 5, 10 * 1024);
    client.push(repository, "v1", &image).await?;
    let mut peaks = [0; 5];

    let path = format!("/v2/{repository}/manifests/");
    let things = vec![Thing::new("v1", image.manifest.len() as u64)];
    // distribution answers 404 to those who do not name the type.
    let accepting = format!("accept: {MANIFEST}\r\n{headers}");
    let reads = Reads::new("GET", host, &path, &accepting, things);
    load::read(host, &reads, 32, bench.sample()).await?;
    peaks[0] = contender.memory.peak_memory()?;

    let blob = Blob::random(&mut random, 100 * MIB);
    client.upload(repository, &blob).await?;
    let path = format!("/v2/{repository}/blobs/");
    let things = vec![Thing::new(&blob.digest, blob.bytes.len() as u64)];
    let reads = Reads::new("GET", host, &path, headers, things);
    load::read(host, &reads, 16, bench.sample()).await?;
    peaks[1] = contender.memory.peak_memory()?;

    let mut bytes = vec![0; 1 << 30];
    random.fill(&mut bytes);
    client.upload_as(repository, &digest(&bytes), &bytes).await?;
    peaks[2] = contender.memory.peak_memory()?;

    let parts = bytes.chunks(100 * MIB).take(4).map(|part| async move {
        let mut client = Client::open(host, headers).await?;
        client.upload_as(repository, &digest(part), part).await
    });
    futures::future::try_join_all(parts).await?;
    peaks[3] = contender.memory.peak_memory()?;

    let crowd = Crowd {
        places,
        step: 0,
        clients: 64,
        seed: 1,
        with_tokens,
    };
    crowd.push(host, bench.sample()).await?;
    peaks[4] = contender.memory.peak_memory()?;
    Ok(peaks)
}
