//! `cargo xtask schemathesis`: the management API held against its OpenAPI document, for as long as one likes.

use anyhow::{Context as _, Result, ensure};

use super::test::build_programs;
use crate::paths;

/// Everything that the OpenAPI document allows and forbids, as a stranger, a member and the administrator: no 5xx, no
/// answer that is not described.
#[derive(Debug, clap::Args)]
pub struct Schemathesis {
    /// How long.
    #[arg(long, default_value_t = 15)]
    minutes: u32,
    /// Determines what is tried.
    #[arg(long)]
    seed: Option<u64>,
}

impl Schemathesis {
    /// Fails with what was found, each with a curl command that shows it.
    pub fn run(self) -> Result<()> {
        build_programs()?;
        let mut cargo = crate::shell::cargo();
        cargo
            .current_dir(paths::repository())
            .args(["test", "--workspace", "--test", "registry"])
            .args(["--", "--exact", "--nocapture"])
            .arg("schemathesis::every_answer_is_one_that_the_openapi_document_describes")
            .env("SQLX_OFFLINE", "true")
            .env(
                "SLIPWAY_SCHEMATHESIS_SECONDS",
                (u64::from(self.minutes) * 60).to_string(),
            );
        if let Some(seed) = self.seed {
            cargo.env("SLIPWAY_TEST_SEED", seed.to_string());
        }
        let status = cargo.status().context("starting cargo test")?;
        ensure!(status.success(), "schemathesis found something: {status}");
        Ok(())
    }
}
