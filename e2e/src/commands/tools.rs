//! `cargo xtask tools`: builds and fetches every program; prints where they are.

use anyhow::Result;

use crate::progress::Progress;
use crate::tools;

/// Builds and fetches every program the other commands need.
#[derive(Debug, clap::Args)]
pub struct Tools {}

impl Tools {
    /// Fills the cache and prints paths.
    pub fn run(self) -> Result<()> {
        let tools = tools::Tools::prepare(Progress::new())?;
        println!("kubernetes  {}", tools.kubernetes.display());
        println!("clients     {}", tools.clients.display());
        println!("traefik     {}", tools.traefik.display());
        println!("coredns     {}", tools.coredns.display());
        println!("debian      {}", tools.debian.display());
        Ok(())
    }
}
