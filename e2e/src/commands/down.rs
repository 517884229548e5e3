//! `cargo xtask down`: removes everything that `up` made.

use anyhow::Result;

use crate::local_cluster::LocalCluster;
use crate::progress::Progress;

/// Removes everything that `up` made.
#[derive(Debug, clap::Args)]
pub struct Down {}

impl Down {
    /// Takes the local cluster down; without one there is nothing to do.
    pub fn run(self) -> Result<()> {
        let _step = Progress::new().step("local cluster removed");
        LocalCluster::stop()
    }
}
