//! The arguments of the program.

use std::{net::SocketAddr, time::Duration};

use clap::{Parser, ValueEnum};
use slipway_crds::HumanDuration;

/// Reconciles the objects of slipway.dev. Every argument is also an environment variable.
#[derive(Debug, Clone, Parser)]
#[command(name = "slipway-operator", version)]
pub struct Options {
    /// Only one process of several works at a time.
    #[arg(long, env = "SLIPWAY_LEADER_ELECT", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub leader_elect: bool,
    /// The namespaces to look at, separated by commas. The whole cluster when empty.
    #[arg(long, env = "SLIPWAY_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// Where /metrics is served.
    #[arg(long, env = "SLIPWAY_METRICS_LISTEN", default_value = "0.0.0.0:8080")]
    pub metrics_listen: SocketAddr,
    /// Where /healthz and /readyz are served.
    #[arg(long, env = "SLIPWAY_HEALTH_LISTEN", default_value = "0.0.0.0:8081")]
    pub health_listen: SocketAddr,
    /// The image of the registry, for Registries that name none.
    #[arg(
        long,
        env = "SLIPWAY_REGISTRY_IMAGE",
        default_value = "ghcr.io/slipway/registry:0.1.0"
    )]
    pub registry_image: String,
    /// The image of managed databases. `{version}` stands for the major version.
    #[arg(
        long,
        env = "SLIPWAY_POSTGRES_IMAGE",
        default_value = "docker.io/library/postgres:{version}"
    )]
    pub postgres_image: String,
    /// The image of managed caches.
    #[arg(
        long,
        env = "SLIPWAY_REDIS_IMAGE",
        default_value = "docker.io/library/redis:7.4"
    )]
    pub redis_image: String,
    /// When nodes pull the images.
    #[arg(long, env = "SLIPWAY_IMAGE_PULL_POLICY", default_value = "IfNotPresent")]
    pub image_pull_policy: String,
    /// How often every object is looked at although nothing happened.
    #[arg(long, env = "SLIPWAY_RESYNC", default_value = "10m", value_parser = duration)]
    pub resync: Duration,
    /// The name of this installation. The uid of the namespace kube-system when empty.
    #[arg(long, env = "SLIPWAY_INSTALLATION_ID", default_value = "")]
    pub installation_id: String,
    /// The URL of a Registry's Service, in which {name} and {namespace} stand for the Registry's own.
    #[arg(
        long,
        env = "SLIPWAY_REGISTRY_URL_TEMPLATE",
        default_value = "http://{name}-serve.{namespace}.svc",
        hide = true
    )]
    pub registry_url_template: String,
    /// How many Registries are worked on at a time.
    #[arg(long, env = "SLIPWAY_REGISTRY_CONCURRENCY", default_value_t = 8)]
    pub registry_concurrency: u16,
    /// How many Projects are worked on at a time.
    #[arg(long, env = "SLIPWAY_PROJECT_CONCURRENCY", default_value_t = 16)]
    pub project_concurrency: u16,
    /// How many policies of each kind are worked on at a time.
    #[arg(long, env = "SLIPWAY_POLICY_CONCURRENCY", default_value_t = 4)]
    pub policy_concurrency: u16,
    /// How many requests to one registry are under way at a time.
    #[arg(long, env = "SLIPWAY_REQUESTS_PER_REGISTRY", default_value_t = 8)]
    pub requests_per_registry: usize,
    /// The name of this process in the lease.
    #[arg(long, env = "POD_NAME", default_value = "")]
    pub pod_name: String,
    /// The namespace of the lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub pod_namespace: String,
    /// The form of the log.
    #[arg(long, env = "SLIPWAY_LOG_FORMAT", default_value = "json")]
    pub log_format: LogFormat,
    /// What is logged, such as info or info,slipway_operator=debug.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log: String,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Lines for people.
    Human,
}

impl Options {
    /// The namespaces to look at; `None` for the whole cluster.
    pub fn namespaces(&self) -> Option<Vec<&str>> {
        let named: Vec<&str> = self
            .watch_namespaces
            .iter()
            .map(|n| n.trim())
            .filter(|n| !n.is_empty())
            .collect();
        (!named.is_empty()).then_some(named)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = HumanDuration::new(text)
        .to_std()
        .map_err(|error| error.to_string())?;
    if duration < Duration::from_secs(1) {
        return Err("write at least 1s".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_as_the_chart_passes_them() {
        let options = Options::try_parse_from([
            "slipway-operator",
            "--leader-elect",
            "--watch-namespaces",
            "a,b",
            "--resync",
            "30s",
            "--installation-id",
            "x",
        ])
        .expect("valid");
        assert!(options.leader_elect);
        assert_eq!(options.namespaces(), Some(vec!["a", "b"]));
        assert_eq!(options.resync, Duration::from_secs(30));
        for plain in [
            vec!["slipway-operator"],
            vec!["slipway-operator", "--leader-elect=false", "--watch-namespaces="],
        ] {
            let plain = Options::try_parse_from(plain).expect("valid");
            assert!(!plain.leader_elect && plain.namespaces().is_none());
        }
        assert!(Options::try_parse_from(["slipway-operator", "--resync", "soon"]).is_err());
    }
}
