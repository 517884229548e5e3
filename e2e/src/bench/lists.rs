//! Lists of `/v2/`: a page of tags, referrers.

use anyhow::Result;

use super::Bench;
use super::client::Client;
use super::compare::{Case, Contender, rate};
use super::content::{Blob, Image, MANIFEST};
use super::load::{Reads, Thing};
use super::pair::{Pair, REPOSITORY};
use super::random::Random;
use super::report::Report;

/// A page of 100 tags of 100,000, beside distribution.
pub(super) async fn tags(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "tags",
        "A page of 100 tags, each time behind another one of the 100,000 of a repository; one connection.",
    );
    let pair = Pair::start(bench).await?;
    let tagged = pair.seed(bench)?;
    let contenders = pair.contenders()?;
    let case = Case {
        name: "page of 100",
        unit: "requests/s",
        value: rate,
        connections: 1,
        target: |name| (name == "slipway").then_some("p50 ≤ 10 ms"),
    };
    let path = format!("/v2/{REPOSITORY}/tags/list?n=100&last=");
    let turns: Vec<_> = contenders
        .iter()
        .map(|(contender, headers)| {
            let things = tagged
                .things()
                .into_iter()
                .map(|thing| Thing::new(thing.word, None));
            (
                contender,
                Reads::new("GET", &contender.host, &path, headers, things.collect()),
            )
        })
        .collect();
    report.rows = case.reads(bench, &turns).await?;
    pair.end().await?;
    Ok(report)
}

/// 1,000 referrers of one manifest. distribution v3 does not serve this list.
pub(super) async fn referrers(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "referrers",
        "The list of 1,000 referrers of one manifest; one connection. distribution v3 has no such list.",
    );
    let slipway = bench.slipway(&[]).await?;
    let robot = slipway.project("bench").await?;
    let bearer = slipway.bearer(&robot, REPOSITORY).await?;
    let contender = Contender::slipway(&slipway)?;
    let image = Image::random(&mut Random::new(1), 1, 1024);
    {
        let _step = bench.progress.step("1,000 referrers");
        let mut client = Client::open(&contender.host, &bearer).await?;
        client.push(REPOSITORY, "v1", &image).await?;
        let empty = Blob::new(b"{}".to_vec());
        client.upload(REPOSITORY, &empty).await?;
        for number in 0..1000 {
            let manifest = referrer(&image, &empty, number);
            client
                .put_manifest(REPOSITORY, &super::content::digest(&manifest), &manifest)
                .await?;
        }
    }
    let case = Case {
        name: "list of 1,000",
        unit: "requests/s",
        value: rate,
        connections: 1,
        target: |_| None,
    };
    let path = format!("/v2/{REPOSITORY}/referrers/");
    let things = vec![Thing::new(&image.digest, None)];
    let reads = Reads::new("GET", &contender.host, &path, &bearer, things);
    report.rows = case.reads(bench, &[(&contender, reads)]).await?;
    slipway.end().await?;
    Ok(report)
}

fn referrer(subject: &Image, empty: &Blob, number: usize) -> Vec<u8> {
    let described = format!(
        r#"{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{}","size":2}}"#,
        empty.digest
    );
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"application/vnd.example.signature","config":{described},"layers":[{described}],"subject":{{"mediaType":"{MANIFEST}","digest":"{}","size":{}}},"annotations":{{"org.opencontainers.image.version":"{number}"}}}}"#,
        subject.digest,
        subject.manifest.len()
    )
    .into_bytes()
}
