//! `cargo xtask cluster`: the local cluster alone.

use anyhow::{Result, bail};
use clap::Subcommand;

use super::block_on;
use crate::local_cluster::{Layout, LocalCluster};
use crate::progress::Progress;

/// The local cluster alone.
#[derive(Debug, clap::Args)]
pub struct Cluster {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Starts two nodes with name server, ingress controller and storage.
    Start,
    /// Leaves nothing behind.
    Stop,
    /// Prints the path of the administrator's kubeconfig.
    Kubeconfig,
}

impl Cluster {
    /// Does it.
    pub fn run(self) -> Result<()> {
        match self.action {
            Action::Start => {
                let cluster = block_on(LocalCluster::start(Progress::new()))?;
                println!("export KUBECONFIG={}", cluster.kubeconfig().display());
                println!(
                    "# Ingress: https on {}; HTTPS_PROXY={}",
                    cluster.ingress(),
                    cluster.proxy()
                );
                Ok(())
            }
            Action::Stop => LocalCluster::stop(),
            Action::Kubeconfig => match Layout::load()? {
                Some(layout) => {
                    println!("{}", layout.kubeconfig().display());
                    Ok(())
                }
                None => bail!("no local cluster is running; `cargo xtask cluster start` starts one"),
            },
        }
    }
}
