//! Benchmarks: Slipway beside its peers, in turn, in one run on one machine. Numbers are printed and written down;
//! none of them makes anything fail. What is wrong whatever the numbers are does, once all of them are there.

mod blobs;
mod client;
mod compare;
mod content;
mod gc;
mod images;
mod lists;
mod load;
mod management;
mod manifests;
mod memory;
mod pair;
mod peers;
mod process;
mod random;
mod report;
mod slipway;
mod start;
mod tagged;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum as _;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::progress::Progress;
use report::Began;
use slipway::Slipway;

/// What is measured, each alone if wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Measure {
    /// `GET` and `HEAD` of one manifest, by tag and by digest.
    ManifestHot,
    /// `GET` by tag, spread over 100,000 tags.
    ManifestSpread,
    /// A blob of 100 MiB, beside nginx too.
    BlobPull,
    /// A blob of 1 GiB, beside SHA-256 and a plain write too.
    BlobPush,
    /// Small images into one project and into 64.
    SmallImages,
    /// A page of 100 tags at 100,000.
    Tags,
    /// The list of 1,000 referrers.
    Referrers,
    /// Start to /readyz with 1,000,000 manifests.
    Start,
    /// Peak memory over everything.
    Memory,
    /// Garbage collection while pushes go on.
    Gc,
    /// Lists of the management API on large tables.
    Lists,
}

/// What `cargo xtask bench` was asked for.
#[derive(Debug)]
pub struct Options {
    /// Which measures; none: all.
    pub measures: Vec<Measure>,
    /// How long one sample takes.
    pub seconds: f64,
    /// How often everybody's turn comes.
    pub rounds: usize,
    /// The registry's program.
    pub registry: PathBuf,
}

/// Runs the measures one after the other. Whatever ends it, everything started is stopped and removed.
pub async fn run(options: Options) -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        done = run_all(&options) => done,
        _ = interrupt.recv() => bail!("interrupted; everything that was started is stopped and removed"),
        _ = terminate.recv() => bail!("terminated; everything that was started is stopped and removed"),
    }
}

async fn run_all(options: &Options) -> Result<()> {
    let measures = match options.measures.is_empty() {
        true => Measure::value_variants(),
        false => &options.measures,
    };
    let mut failures = Vec::new();
    for measure in measures {
        let began = Began::now(options.seconds, options.rounds)?;
        let bench = Bench::new(options)?;
        let mut report = match measure {
            Measure::ManifestHot => manifests::hot(&bench).await?,
            Measure::ManifestSpread => manifests::spread(&bench).await?,
            Measure::BlobPull => blobs::pull(&bench).await?,
            Measure::BlobPush => blobs::push(&bench).await?,
            Measure::SmallImages => images::push(&bench).await?,
            Measure::Tags => lists::tags(&bench).await?,
            Measure::Referrers => lists::referrers(&bench).await?,
            Measure::Start => start::start(&bench).await?,
            Measure::Memory => memory::memory(&bench).await?,
            Measure::Gc => gc::collect(&bench).await?,
            Measure::Lists => management::lists(&bench).await?,
        };
        report.publish(&began)?;
        failures.append(&mut report.failures);
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// What every measure starts with: a folder for everybody's files, and how long to measure.
#[derive(Debug)]
struct Bench<'a> {
    options: &'a Options,
    progress: Progress,
    folder: TempDir,
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options) -> Result<Self> {
        Ok(Self {
            options,
            progress: Progress::new(),
            folder: tempfile::Builder::new().prefix("slipway-bench-").tempdir()?,
        })
    }

    async fn slipway(&self, more: &[(&'static str, &str)]) -> Result<Slipway> {
        Slipway::start(&self.options.registry, self.folder.path(), more, self.progress).await
    }

    fn sample(&self) -> Duration {
        Duration::from_secs_f64(self.options.seconds)
    }
}
