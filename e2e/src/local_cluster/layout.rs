//! Names, addresses and folders of the local cluster, written down so that a
//! later process finds the same cluster again.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::paths;
use crate::tools::Tools;

/// The network of the machines; it exists only inside our namespaces.
pub const BRIDGE: Ipv4Addr = Ipv4Addr::new(10, 213, 0, 1);
/// The machine with etcd, the API server and the controllers.
pub const CONTROL: Ipv4Addr = Ipv4Addr::new(10, 213, 0, 2);
/// Addresses of all pods.
pub const PODS: &str = "10.214.0.0/16";
/// Addresses of all Services.
pub const SERVICES: &str = "10.215.0.0/16";
/// The Service `kubernetes`: the first of the range.
pub const API_SERVICE: Ipv4Addr = Ipv4Addr::new(10, 215, 0, 1);
/// The name server's Service.
pub const DNS_SERVICE: Ipv4Addr = Ipv4Addr::new(10, 215, 0, 10);
/// Port of the API server inside its namespace.
pub const API_PORT: u16 = 6443;
/// Host names that lead to the ingress controller from the start.
pub const HOSTS: &[&str] = &["registry.slipway.test"];
/// The names of the namespaces.
pub const SWITCH_NAMESPACE: &str = "slipway-switch";
/// The control plane's namespace.
pub const CONTROL_NAMESPACE: &str = "slipway-control";
/// Where the machines find our own folders.
pub const INSIDE: &str = "/run/slipway";

/// One worker node.
#[derive(Clone, Copy, Debug)]
pub struct NodePlan {
    /// Name of the Node object, of the host and of the network namespace.
    pub name: &'static str,
    /// Its address on the bridge.
    pub address: Ipv4Addr,
    /// Its share of the pods' addresses.
    pub pods: &'static str,
}

/// The two nodes; the first also carries the ingress controller.
pub const NODES: [NodePlan; 2] = [
    NodePlan {
        name: "slipway-n1",
        address: Ipv4Addr::new(10, 213, 0, 11),
        pods: "10.214.1.0/24",
    },
    NodePlan {
        name: "slipway-n2",
        address: Ipv4Addr::new(10, 213, 0, 12),
        pods: "10.214.2.0/24",
    },
];

/// What differs between two starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layout {
    /// The folder of the whole cluster.
    pub folder: PathBuf,
    /// The programs in use.
    pub tools: Tools,
    /// The API server, on the host's loopback.
    pub api: SocketAddr,
    /// The ingress controller's HTTPS port, on the host's loopback.
    pub ingress: SocketAddr,
    /// An HTTP CONNECT proxy that leads every name to the ingress controller.
    pub proxy: SocketAddr,
}

impl Layout {
    /// The folder that a local cluster of this user stands in.
    pub fn home() -> PathBuf {
        paths::state().join("cluster")
    }

    /// Reads what the last start wrote; `None` when there is no cluster.
    pub fn load() -> Result<Option<Self>> {
        let file = Self::home().join("cluster.json");
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .with_context(|| format!("reading {}", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {}", file.display())),
        }
    }

    /// Writes it down for later processes.
    pub fn save(&self) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::write(self.folder.join("cluster.json"), serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    /// Certificates, keys, tokens.
    pub fn pki(&self) -> PathBuf {
        self.folder.join("pki")
    }

    /// The administrator's kubeconfig, through the forwarder.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// What belongs to one machine.
    pub fn machine(&self, name: &str) -> PathBuf {
        self.folder.join("machines").join(name)
    }

    /// Each request to the API server, one JSON object a line.
    pub fn audit_log(&self) -> PathBuf {
        self.machine(CONTROL_NAMESPACE).join("log/audit.log")
    }
}
