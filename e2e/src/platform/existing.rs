//! A cluster of the user's, named by a context of his kubeconfig.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use kube::config::KubeConfigOptions;
use kube::{Client, Config};

use super::Images;
use crate::progress::Progress;
use crate::tools::{Tools, go};
use crate::{local_cluster, shell};

/// A context of the user's kubeconfig.
#[derive(Debug)]
pub struct Existing {
    context: String,
}

impl Existing {
    /// By name; whether it answers shows with the first request.
    pub fn new(context: &str) -> Self {
        Self {
            context: context.to_owned(),
        }
    }

    /// The context's name.
    pub fn context(&self) -> &str {
        &self.context
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        std::env::var_os("KUBECONFIG").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".kube/config"),
            PathBuf::from,
        )
    }

    pub(super) async fn client(&self) -> Result<Client> {
        crate::install_tls_provider();
        let options = KubeConfigOptions {
            context: Some(self.context.clone()),
            ..Default::default()
        };
        let config = Config::from_kubeconfig(&options)
            .await
            .with_context(|| format!("the kubeconfig has no usable context {}", self.context))?;
        Ok(Client::try_from(config)?)
    }

    /// Nodes of that cluster pull the published images, or those that the user names.
    pub(super) fn images(&self, progress: Progress) -> Result<Images> {
        let named = |variable: &str, published: &str| {
            std::env::var(variable).unwrap_or_else(|_| published.to_owned())
        };
        let version = env!("CARGO_PKG_VERSION");
        let tools = Tools::prepare(progress)?;
        let hello = local_cluster::images::ImageBuilder {
            tools: &tools,
            progress,
        }
        .hello()?;
        Ok(Images {
            operator: named(
                "SLIPWAY_OPERATOR_IMAGE",
                &format!("ghcr.io/slipway/slipway-operator:{version}"),
            ),
            registry: named(
                "SLIPWAY_REGISTRY_IMAGE",
                &format!("ghcr.io/slipway/slipway-registry:{version}"),
            ),
            postgres: named("SLIPWAY_POSTGRES_IMAGE", "docker.io/library/postgres:17"),
            redis: named("SLIPWAY_REDIS_IMAGE", "docker.io/library/redis:7"),
            pull_policy: "IfNotPresent",
            hello,
        })
    }

    /// Removes the samples and the chart, and nothing else.
    pub(super) fn uninstall(&self) -> Result<()> {
        let samples = crate::paths::repository().join("config/samples");
        let _not_there = shell::run(
            Command::new("kubectl")
                .args(["--context", &self.context, "delete", "--ignore-not-found", "-k"])
                .arg(&samples),
        );
        let helm = if shell::exists("helm") {
            PathBuf::from("helm")
        } else {
            go::CLIENTS.build(Progress::new())?.join("helm")
        };
        shell::run(Command::new(helm).args([
            "--kube-context",
            &self.context,
            "uninstall",
            "slipway",
            "--namespace",
            "slipway-system",
            "--ignore-not-found",
        ]))
    }
}
