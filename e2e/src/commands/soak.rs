//! `cargo xtask soak`: the soak test of the registry, for as long as one likes.

use anyhow::{Context as _, Result, ensure};

use super::test::build_programs;
use crate::paths;

/// Pushes, mounts, deletions, pulls, collections and kills at once, for long; then everything acknowledged must be there.
#[derive(Debug, clap::Args)]
pub struct Soak {
    /// How long.
    #[arg(long, default_value_t = 30)]
    minutes: u32,
    /// Determines what is done and killed when; the last run's seed stands in its report.
    #[arg(long)]
    seed: Option<u64>,
}

impl Soak {
    /// Fails when anything acknowledged is missing, anything else is visible, or usage or store are not exact.
    pub fn run(self) -> Result<()> {
        build_programs()?;
        let mut cargo = crate::shell::cargo();
        cargo
            .current_dir(paths::repository())
            .args(["test", "--workspace", "--test", "registry"])
            .args(["--", "--exact", "--nocapture"])
            .arg("soak::a_soak_of_pushes_mounts_deletions_collections_and_kills_loses_nothing")
            .env("SQLX_OFFLINE", "true")
            .env("SLIPWAY_SOAK_SECONDS", (u64::from(self.minutes) * 60).to_string());
        if let Some(seed) = self.seed {
            cargo.env("SLIPWAY_TEST_SEED", seed.to_string());
        }
        let status = cargo.status().context("starting cargo test")?;
        ensure!(status.success(), "the soak failed: {status}");
        Ok(())
    }
}
