//! Small images: what costs a registry is the number of requests, not of bytes.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;

use super::Bench;
use super::client::Client;
use super::compare::{Case, Contender, rate};
use super::content::Image;
use super::load::Load;
use super::peers::Peer;
use super::random::Random;
use super::report::{Report, Samples};
use super::slipway::Slipway;

const PROJECTS: usize = 64;

/// Where clients push to: a repository with the header line for it. A client goes from one to the next.
pub(super) type Place = (String, String);

/// Pushes beside distribution.
pub(super) async fn push(bench: &Bench<'_>) -> Result<Report> {
    let mut report = Report::new(
        "small-images",
        "New images of 3 layers of 10 KiB, config and manifest: 17 requests each (HEAD, POST, PATCH, PUT for each blob, \
         PUT of the manifest). One project: a repository for each client; 64 projects: each client goes from one to the next.",
    );
    let slipway = bench.slipway(&[]).await?;
    let distribution = Peer::distribution(bench.folder.path(), bench.progress)?;
    let (one, many) = {
        let _step = bench.progress.step("65 projects with their robots");
        (
            one_project(&slipway, PROJECTS).await?,
            many_projects(&slipway).await?,
        )
    };
    let contenders = [
        Contender::slipway(&slipway)?,
        Contender::peer("distribution", &distribution)?,
    ];
    let mut run = 0;
    for (into, places, step) in [("one project", &one, 0), ("64 projects", &many, 1)] {
        for clients in [1, 8, 64] {
            let name = format!("{clients} clients into {into}");
            let case = Case {
                name: &name,
                unit: "images/s",
                value: rate,
                connections: clients,
                target: if clients == 8 {
                    |name| (name == "distribution").then_some("≥ 2x")
                } else {
                    |_| None
                },
            };
            let mut samples: Vec<Samples> = contenders.iter().map(|_| Samples::default()).collect();
            for _ in 0..bench.options.rounds {
                run += 1;
                for (at, (contender, samples)) in contenders.iter().zip(&mut samples).enumerate() {
                    let crowd = Crowd {
                        places,
                        step,
                        clients,
                        seed: run,
                        with_tokens: at == 0,
                    };
                    let work = crowd.push(&contender.host, bench.sample());
                    contender.sample(samples, case.value, work).await?;
                }
            }
            report
                .rows
                .extend(case.rows(&contenders.each_ref().map(|contender| contender.name), samples));
        }
    }
    slipway.end().await?;
    Ok(report)
}

/// A repository for each client.
pub(super) async fn one_project(slipway: &Slipway, clients: usize) -> Result<Vec<Place>> {
    let robot = slipway.project("one").await?;
    let mut places = Vec::new();
    for client in 0..clients {
        let repository = format!("one/app-{client}");
        let bearer = slipway.bearer(&robot, &repository).await?;
        places.push((repository, bearer));
    }
    Ok(places)
}

async fn many_projects(slipway: &Slipway) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for project in 0..PROJECTS {
        let robot = slipway.project(&format!("many-{project}")).await?;
        let repository = format!("many-{project}/app");
        let bearer = slipway.bearer(&robot, &repository).await?;
        places.push((repository, bearer));
    }
    Ok(places)
}

/// Clients that push at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowd<'a> {
    pub(super) places: &'a [Place],
    /// How far a client moves on from image to image.
    pub(super) step: usize,
    pub(super) clients: usize,
    /// Other images in each run.
    pub(super) seed: u64,
    pub(super) with_tokens: bool,
}

impl Crowd<'_> {
    /// Pushes for at least this long.
    pub(super) async fn push(self, host: &str, duration: Duration) -> Result<Load> {
        let until = Instant::now() + duration;
        let clients = (0..self.clients).map(|client| self.client(host, client, until));
        let loads = try_join_all(clients).await?;
        Ok(loads.into_iter().fold(Load::default(), Load::join))
    }

    async fn client(self, host: &str, client: usize, until: Instant) -> Result<Load> {
        let mut random = Random::new(self.seed << 32 | client as u64);
        let mut connection = Client::open(host, "").await?;
        let mut place = client % self.places.len();
        let mut load = Load::default();
        let began = Instant::now();
        while began + load.elapsed < until {
            let (repository, bearer) = &self.places[place];
            let headers = if self.with_tokens { bearer } else { "" };
            connection.set_headers(headers);
            let image = Image::random(&mut random, 3, 10 * 1024);
            let tag = format!("r{}-{client}-{}", self.seed, load.operations);
            let pushing = Instant::now();
            connection.push(repository, &tag, &image).await?;
            load.latencies.push(pushing.elapsed());
            load.operations += 1;
            load.elapsed = began.elapsed();
            place = (place + self.step) % self.places.len();
        }
        Ok(load)
    }
}
