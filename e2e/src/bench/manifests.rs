//! Manifests: one that is asked for again and again, and one of 100,000.

use anyhow::Result;

use super::Bench;
use super::client::Client;
use super::compare::{Case, rate};
use super::content::{Image, MANIFEST};
use super::load::{Reads, Thing};
use super::pair::{Pair, REPOSITORY};
use super::random::Random;
use super::report::Report;

/// One manifest, hot.
pub(super) async fn hot(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "manifest-hot",
        "One manifest of an image of 5 layers, asked for again and again. Slipway: a private project, the token of a \
         robot with each request; distribution: no authentication.",
    );
    let pair = Pair::start(bench).await?;
    let contenders = pair.contenders()?;
    let image = Image::random(&mut Random::new(1), 5, 10 * 1024);
    for (contender, headers) in &contenders {
        let mut client = Client::open(&contender.host, headers).await?;
        client.push(REPOSITORY, "v1", &image).await?;
    }
    for connections in [1, 32] {
        for method in ["GET", "HEAD"] {
            for (by, word) in [("tag", "v1"), ("digest", image.digest.as_str())] {
                let thing = Thing::new(word, image.manifest.len() as u64);
                let name = format!("{method} by {by}, {connections} connections");
                let case = Case {
                    name: &name,
                    unit: "requests/s",
                    value: rate,
                    connections,
                    target: if connections == 32 {
                        |name| (name == "distribution").then_some("≥ 6x")
                    } else {
                        |_| None
                    },
                };
                let turns: Vec<_> = contenders
                    .iter()
                    .map(|(contender, headers)| {
                        (
                            contender,
                            reads(method, &contender.host, headers, vec![thing.clone()]),
                        )
                    })
                    .collect();
                report.rows.extend(case.reads(bench, &turns).await?);
            }
        }
    }
    pair.end().await?;
    Ok(report)
}

/// One of 100,000 tags of a repository, each on a manifest of its own.
pub(super) async fn spread(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "manifest-spread",
        "GET by tag, at random over 100,000 tags of one repository, each on a manifest of its own. Tokens as above. \
         Slipway's rows are written with SQL, distribution's files directly.",
    );
    let pair = Pair::start(bench).await?;
    let tagged = pair.seed(bench)?;
    let contenders = pair.contenders()?;
    for connections in [1, 32] {
        let name = format!("GET by tag, {connections} connections");
        let case = Case {
            name: &name,
            unit: "requests/s",
            value: rate,
            connections,
            target: if connections == 32 {
                |name| (name == "distribution").then_some("≥ 2x")
            } else {
                |_| None
            },
        };
        let turns: Vec<_> = contenders
            .iter()
            .map(|(contender, headers)| (contender, reads("GET", &contender.host, headers, tagged.things())))
            .collect();
        report.rows.extend(case.reads(bench, &turns).await?);
    }
    pair.end().await?;
    Ok(report)
}

fn reads(method: &str, host: &str, headers: &str, things: Vec<Thing>) -> Reads {
    let headers = format!("accept: {MANIFEST}\r\n{headers}");
    Reads::new(
        method,
        host,
        &format!("/v2/{REPOSITORY}/manifests/"),
        &headers,
        things,
    )
}
