//! `cargo xtask test`: runs the tests, tier by tier, and counts.

use std::io::{BufRead as _, BufReader, Read, Write as _, stdout};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use super::block_on;
use crate::local_cluster::LocalCluster;
use crate::paths;
use crate::progress::Progress;
use crate::services::Services;

/// Runs the tests: everything, or one tier.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Only this tier.
    #[arg(long, value_enum)]
    tier: Option<Tier>,
    /// Leave the local cluster running afterwards.
    #[arg(long)]
    keep: bool,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

/// What the tests need to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tier {
    /// Nothing but PostgreSQL and Redis.
    Unit,
    /// A Kubernetes API server without nodes, and the registry's own program.
    Api,
    /// A whole cluster.
    Cluster,
}

/// How libtest is told the number of its threads.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

/// Sums of cargo's "test result:" lines.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    passed: usize,
    failed: usize,
}

impl Test {
    /// Runs every tier asked for, even after a failure, and ends with the sum.
    pub fn run(self) -> Result<()> {
        let mut total = Count::default();
        let mut lines = Vec::new();
        for tier in [Tier::Unit, Tier::Api, Tier::Cluster] {
            if self.tier.is_some_and(|only| only != tier) {
                continue;
            }
            let count = match self.run_tier(tier) {
                Ok(count) => count,
                // What could not even start counts as one failure, never as none.
                Err(error) => {
                    eprintln!("{tier:?}: {error:#}");
                    Count { passed: 0, failed: 1 }
                }
            };
            lines.push(format!(
                "{tier:?}: {} passed, {} failed",
                count.passed, count.failed
            ));
            total.add(count);
        }
        for line in lines {
            println!("{line}");
        }
        println!("{} passed, {} failed", total.passed, total.failed);
        if total.failed > 0 {
            std::process::exit(1);
        }
        Ok(())
    }

    fn run_tier(&self, tier: Tier) -> Result<Count> {
        let mut cargo = test_command();
        match tier {
            Tier::Unit => {
                let services = Services::start(Progress::new())?;
                cargo
                    .args(["--lib", "--bins", "--tests"])
                    .env("DATABASE_URL", services.database_url())
                    .env("REDIS_URL", services.redis_url());
                self.count(&mut cargo)
            }
            Tier::Api => {
                build_programs()?;
                let mut operator = test_command();
                operator.args(["--test", "api"]);
                if let Some(threads) = threads_that_wait() {
                    operator.env(TEST_THREADS, threads);
                }
                cargo.args(["--test", "registry"]);
                let mut sum = self.count(&mut operator)?;
                sum.add(self.count(&mut cargo)?);
                Ok(sum)
            }
            Tier::Cluster => {
                let running = block_on(LocalCluster::running())?;
                let ours = running.is_none();
                if ours {
                    block_on(LocalCluster::start(Progress::new()))?;
                }
                cargo.args(["--test", "cluster"]);
                let count = self.count(&mut cargo);
                if ours && !self.keep {
                    LocalCluster::stop()?;
                }
                count
            }
        }
    }

    fn count(&self, cargo: &mut Command) -> Result<Count> {
        if let Some(filter) = &self.filter {
            cargo.arg("--").arg(filter);
        }
        let mut child = cargo
            .stdout(Stdio::piped())
            .spawn()
            .context("starting cargo test")?;
        let output = child.stdout.take().context("no output")?;
        let mut count = echo_and_count(output)?;
        let status = child.wait()?;
        if !status.success() && count.failed == 0 {
            // Tests that did not compile, or a test process that died.
            count.failed = 1;
        }
        Ok(count)
    }
}

/// `cargo test`, still without its targets. The whole workspace each time, targets picked by name: one set of features, one
/// build of each dependency.
fn test_command() -> Command {
    let mut cargo = crate::shell::cargo();
    cargo
        .current_dir(paths::repository())
        .args(["test", "--no-fail-fast", "--workspace"])
        .env("SQLX_OFFLINE", "true");
    cargo
}

/// How many of the operator's tests run at once: they mostly wait, for leases, resyncs and pods. `None`: the user has said it.
fn threads_that_wait() -> Option<String> {
    if std::env::var_os(TEST_THREADS).is_some() {
        return None;
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    Some((2 * processors).to_string())
}

/// Our programs, which cargo builds only for a package's own tests.
pub(super) fn build_programs() -> Result<()> {
    let mut cargo = crate::shell::cargo();
    cargo
        .current_dir(paths::repository())
        .args([
            "build",
            "--workspace",
            "--bin",
            "slipway",
            "--bin",
            "slipway-operator",
            "--bin",
            "slipway-registry",
        ])
        .env("SQLX_OFFLINE", "true");
    crate::shell::run(&mut cargo)
}

impl Count {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Reads `test result: ok. 3 passed; 0 failed; …`.
    fn of_line(line: &str) -> Option<Self> {
        let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let number = |what: &str| {
            numbers
                .split("; ")
                .find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
        };
        Some(Self {
            passed: number("passed")?,
            failed: number("failed")?,
        })
    }
}

fn echo_and_count(output: impl Read) -> Result<Count> {
    let mut total = Count::default();
    let mut screen = stdout();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        screen.write_all(&line)?;
        screen.write_all(b"\n")?;
        if let Some(count) = Count::of_line(&String::from_utf8_lossy(&line)) {
            total.add(count);
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_cargo_says() {
        let count =
            Count::of_line("test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 2 filtered out");
        let count = count.expect("a result line");
        assert_eq!((count.passed, count.failed), (12, 3));
        assert!(Count::of_line("test foo ... ok").is_none());
    }
}
