//! Makes the nodes' container runtime trust the authority of one registry.

use std::fs;

use anyhow::Result;

use super::LocalCluster;
use super::layout::{INSIDE, NODES};

impl LocalCluster {
    /// From the next pull on, every node trusts `authority` (PEM) for images of `host`.
    pub fn trust(&self, host: &str, authority: &str) -> Result<()> {
        for node in NODES {
            let inside = format!("{INSIDE}/etc/certs.d/{host}");
            let folder = self.layout().machine(node.name).join("etc/certs.d").join(host);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("ca.crt"), authority)?;
            // `ca` at the top level: under [host] alone any error falls through to `server` without it.
            let hosts = format!("server = \"https://{host}\"\nca = \"{inside}/ca.crt\"\n");
            fs::write(folder.join("hosts.toml"), hosts)?;
        }
        Ok(())
    }
}
