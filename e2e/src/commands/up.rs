//! `cargo xtask up`: a cluster with Slipway, a registry, a project and a pod pulled from it.

use anyhow::{Result, bail};

use super::block_on;
use crate::local_cluster::LocalCluster;
use crate::progress::Progress;

/// A cluster with Slipway, a registry, a project and a pod pulled from it.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// Use this context of your kubeconfig instead of starting a cluster.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl Up {
    /// Starts what is not there yet.
    pub fn run(self) -> Result<()> {
        if let Some(context) = self.context {
            bail!("--context {context}: not built yet");
        }
        let cluster = block_on(LocalCluster::running_or_start(Progress::new()))?;
        println!("export KUBECONFIG={}", cluster.kubeconfig().display());
        Ok(())
    }
}
