//! The programs that the other commands need: built with Go or unpacked from Debian's packages.

pub mod cache;
pub mod cargo_deny;
pub mod debian;
pub mod go;
pub mod python;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::progress::Progress;

/// Where every program is. Nothing of it is installed on the machine.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Tools {
    /// Folder with kube-apiserver, kubelet, kubectl and so on (links to one binary).
    pub kubernetes: PathBuf,
    /// The ingress controller, a static binary.
    pub traefik: PathBuf,
    /// The cluster's name server, a static binary.
    pub coredns: PathBuf,
    /// Folder with crane, helm and oras.
    pub clients: PathBuf,
    /// Root of Debian's etcd, containerd, runc, CNI plugins, iptables, skopeo and buildah.
    pub debian: PathBuf,
}

impl Tools {
    /// Builds and fetches what is missing from the cache; does nothing the second time.
    pub fn prepare(progress: Progress) -> Result<Self> {
        Ok(Self {
            debian: debian::cluster_programs(progress)?,
            coredns: go::COREDNS.build(progress)?.join("coredns"),
            kubernetes: go::KUBERNETES.build(progress)?,
            traefik: go::TRAEFIK.build(progress)?.join("traefik"),
            clients: go::CLIENTS.build(progress)?,
        })
    }

    /// Only what an API server without nodes needs.
    pub fn prepare_api_server(progress: Progress) -> Result<(PathBuf, PathBuf)> {
        Ok((
            go::KUBERNETES.build(progress)?,
            debian::cluster_programs(progress)?,
        ))
    }

    /// A command for one of Debian's programs, able to find its own libraries.
    pub fn debian_command(&self, program: &str) -> Command {
        debian::command(&self.debian, program)
    }
}
