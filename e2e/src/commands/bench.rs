//! `cargo xtask bench`: Slipway beside its peers, in one run on one machine.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::block_on_this_thread;
use crate::bench::{self, Measure};
use crate::progress::Progress;
use crate::{paths, shell};

/// Slipway beside its peers: medians, ratios, memory. Nothing fails for being slow.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// Only these measures.
    #[arg(value_enum)]
    measures: Vec<Measure>,
    /// How long one sample takes.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How often everybody's turn comes.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The registry to measure, instead of a release build of this checkout.
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// Measures with this very build of the generator, optimised or not: to try a measure out.
    #[arg(long, hide = true, requires = "registry")]
    trial: bool,
}

impl Bench {
    /// Builds what is optimised, and measures with it.
    pub fn run(self) -> Result<()> {
        if self.seconds.is_nan() || self.seconds <= 0.0 || self.rounds == 0 {
            bail!("--seconds and --rounds must be above 0");
        }
        if cfg!(debug_assertions) && !self.trial {
            // A generator without optimisation would be the slowest part of the measurement.
            return self.run_optimised();
        }
        let registry = match self.registry {
            Some(registry) => registry,
            None => build(&["slipway-registry"])?.remove(0),
        };
        let options = bench::Options {
            measures: self.measures,
            seconds: self.seconds,
            rounds: self.rounds,
            registry: std::path::absolute(registry)?,
        };
        block_on_this_thread(bench::run(options))
    }

    fn run_optimised(self) -> Result<()> {
        let mut wanted = vec!["xtask"];
        if self.registry.is_none() {
            wanted.push("slipway-registry");
        }
        let mut built = build(&wanted)?;
        let mut again = Command::new(built.remove(0));
        again.args(std::env::args_os().skip(1));
        if let Some(registry) = built.pop() {
            again.arg("--registry").arg(registry);
        }
        Err(again.exec()).context("starting the optimised xtask")
    }
}

/// Release builds of these programs, in this order.
fn build(programs: &[&str]) -> Result<Vec<PathBuf>> {
    let _step = Progress::new().step(format!("release build of {}", programs.join(" and ")));
    let mut cargo = shell::cargo();
    cargo.current_dir(paths::repository()).args([
        "build",
        "--release",
        "--workspace",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]);
    for program in programs {
        cargo.args(["--bin", program]);
    }
    let messages = shell::output(cargo.env("SQLX_OFFLINE", "true"))?;
    let executables: Vec<PathBuf> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect();
    let find = |program: &&str| {
        let found = executables
            .iter()
            .find(|path| path.file_name() == Path::new(program).file_name());
        found
            .cloned()
            .with_context(|| format!("cargo did not say where {program} is"))
    };
    programs.iter().map(find).collect()
}
