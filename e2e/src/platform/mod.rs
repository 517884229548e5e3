//! The cluster that `up` works on: one that the user names, kind, or a local one of our own.

mod existing;
mod kind;
mod local;
mod programs;

use std::path::PathBuf;

use anyhow::Result;
use kube::Client;
use serde::{Deserialize, Serialize};

pub use existing::Existing;
pub use kind::Kind;
pub use local::Local;
pub use programs::{command_line_program, registry_program};

use crate::local_cluster::Image;
use crate::progress::Progress;
use crate::{paths, shell};

/// Where Slipway is installed.
#[derive(Debug)]
pub enum Platform {
    /// Network namespaces of this machine.
    Local(Box<Local>),
    /// kind, where Docker answers.
    Kind(Kind),
    /// A context of the user's kubeconfig.
    Existing(Existing),
}

/// Names of the images, as pods are to pull them.
#[derive(Clone, Debug)]
pub struct Images {
    /// The operator.
    pub operator: String,
    /// The registry.
    pub registry: String,
    /// Managed PostgreSQL.
    pub postgres: String,
    /// Managed Redis.
    pub redis: String,
    /// What pods do when the image is not on the node.
    pub pull_policy: &'static str,
    /// The tenant's image, to be pushed.
    pub hello: Image,
}

/// What `down` has to find again.
#[derive(Debug, Serialize, Deserialize)]
enum Remembered {
    Local,
    Kind,
    Existing { context: String },
}

impl Platform {
    /// In this order: the named context, kind when Docker answers, else the local cluster.
    pub async fn choose(context: Option<&str>, progress: Progress) -> Result<Self> {
        let platform = match context {
            Some(context) => Self::Existing(Existing::new(context)),
            None if kind::docker_answers() => Self::Kind(Kind::running_or_start(progress).await?),
            None => Self::Local(Box::new(Local::running_or_start(progress).await?)),
        };
        platform.remember()?;
        Ok(platform)
    }

    /// The kubeconfig that leads to it.
    pub fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Local(local) => local.cluster().kubeconfig(),
            Self::Kind(kind) => kind.kubeconfig(),
            Self::Existing(existing) => existing.kubeconfig(),
        }
    }

    /// The context to name to helm and kubectl, where it is not the kubeconfig's current one.
    pub fn context(&self) -> Option<&str> {
        match self {
            Self::Existing(existing) => Some(existing.context()),
            Self::Local(_) | Self::Kind(_) => None,
        }
    }

    /// A client.
    pub async fn client(&self) -> Result<Client> {
        match self {
            Self::Local(local) => local.cluster().client().await,
            Self::Kind(kind) => kind.client().await,
            Self::Existing(existing) => existing.client().await,
        }
    }

    /// Builds the images and gives them to the nodes.
    pub fn provide_images(&self, release: bool, progress: Progress) -> Result<Images> {
        match self {
            Self::Local(local) => local.provide_images(release, progress),
            Self::Kind(kind) => kind.provide_images(release, progress),
            Self::Existing(existing) => existing.images(progress),
        }
    }

    /// Makes a host name lead to the Ingress inside the cluster, and nodes trust its authority.
    /// False where that is the user's own affair.
    pub fn admit_host(&self, host: &str, authority: &str) -> Result<bool> {
        match self {
            Self::Local(local) => {
                local.cluster().add_host(host)?;
                local.cluster().trust(host, authority)?;
                Ok(true)
            }
            Self::Kind(kind) => kind.admit_host(host, authority).map(|()| true),
            Self::Existing(_) => Ok(false),
        }
    }

    /// What a client on this machine needs to reach the Ingress under its own name.
    pub fn proxy(&self) -> Option<String> {
        match self {
            Self::Local(local) => Some(local.cluster().proxy()),
            Self::Kind(_) | Self::Existing(_) => None,
        }
    }

    /// `--resolve`'s address for curl, where the name does not resolve by itself.
    pub fn ingress(&self) -> Option<String> {
        match self {
            Self::Local(local) => Some(local.cluster().ingress().to_string()),
            Self::Kind(_) => Some(kind::INGRESS.to_owned()),
            Self::Existing(_) => None,
        }
    }

    fn remember(&self) -> Result<()> {
        let what = match self {
            Self::Local(_) => Remembered::Local,
            Self::Kind(_) => Remembered::Kind,
            Self::Existing(existing) => Remembered::Existing {
                context: existing.context().to_owned(),
            },
        };
        std::fs::create_dir_all(paths::state())?;
        std::fs::write(memory(), serde_json::to_vec(&what)?)?;
        Ok(())
    }
}

/// Takes down what `up` made; true if there was something.
pub fn take_down() -> Result<bool> {
    let remembered = std::fs::read(memory())
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match remembered {
        Some(Remembered::Existing { context }) => Existing::new(&context).uninstall()?,
        Some(Remembered::Kind) => kind::delete()?,
        Some(Remembered::Local) | None => crate::local_cluster::LocalCluster::stop()?,
    }
    let there = memory().exists();
    forget()?;
    Ok(there)
}

/// Removes what `up` noted beside the cluster's own folder: what it made, authorities of registries, settings.
fn forget() -> Result<()> {
    let Ok(entries) = std::fs::read_dir(paths::state()) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    // A local cluster that was started by itself keeps its folder.
    if std::fs::read_dir(paths::state())?.next().is_none() {
        std::fs::remove_dir(paths::state())?;
    }
    Ok(())
}

fn memory() -> PathBuf {
    paths::state().join("platform.json")
}

/// helm, with the right cluster.
pub fn helm(platform: &Platform, progress: Progress) -> Result<std::process::Command> {
    let program = match platform {
        Platform::Local(local) => local.cluster().layout().tools.clients.join("helm"),
        _ if shell::exists("helm") => PathBuf::from("helm"),
        _ => crate::tools::go::CLIENTS.build(progress)?.join("helm"),
    };
    let mut helm = std::process::Command::new(program);
    helm.env("KUBECONFIG", platform.kubeconfig());
    if let Some(context) = platform.context() {
        helm.args(["--kube-context", context]);
    }
    Ok(helm)
}
