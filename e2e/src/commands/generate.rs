//! `cargo xtask generate`: renews every committed file that is made from the code.

use anyhow::Result;

use crate::checks::generated;

/// Renews generated files: checked queries, OpenAPI, custom resources.
#[derive(Debug, clap::Args)]
pub struct Generate {}

impl Generate {
    /// Writes them in place.
    pub fn run(self) -> Result<()> {
        generated::write()
    }
}
