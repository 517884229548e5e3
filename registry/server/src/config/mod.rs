//! The server's settings: one YAML file and environment variables of the same names
//! (`database.url` is `SLIPWAY_DATABASE_URL`); the environment wins. A key that nobody knows is an error that names it.

pub(crate) mod build;
mod duration;
mod error;
pub(crate) mod keys;
mod origin;
mod pins;
pub(crate) mod reference;
pub(crate) mod storage;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use crate::kernel::settings::Pin;

pub(crate) use error::ConfigError;
pub(crate) use origin::SecretSource;
pub(crate) use storage::StorageConfig;

/// Everything that can be set.
#[derive(Clone)]
pub(crate) struct Config {
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Where `/metrics`, `/healthz` and `/readyz` are served instead of on `listen`.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// The address that clients use, where it shall not be taken from the request.
    pub(crate) external_url: Option<Url>,
    /// The authority that signed the certificate which clients see, where they have to be told of it.
    pub(crate) external_ca_file: Option<PathBuf>,
    /// Only from these addresses do `X-Forwarded-*` headers count.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Pages from these origins may use the distribution API in a browser; `*` stands for all.
    pub(crate) cors_allowed_origins: Vec<String>,
    /// PostgreSQL.
    pub(crate) database: DatabaseConfig,
    /// Redis; without it the process keeps its own cache.
    pub(crate) cache: Option<CacheConfig>,
    /// Where blobs are kept.
    pub(crate) storage: Option<StorageConfig>,
    /// Several registries may keep their blobs in the same place; then none removes what it does not know.
    pub(crate) storage_shared: bool,
    /// Settings of Harbor's API that are decided here, and where.
    pub(crate) pins: BTreeMap<&'static str, Pin>,
    /// The token service.
    pub(crate) token: TokenConfig,
    /// The operator's own account.
    pub(crate) system_account: Option<SystemAccount>,
    /// The password of the account `admin`, where it is declared.
    pub(crate) admin_password: Option<SecretSource>,
    /// How robots' full names are built.
    pub(crate) robot: RobotNames,
    /// So long before a robot expires somebody is warned.
    pub(crate) robot_warn_before: Duration,
    /// An upload that no byte reached for this long is given up.
    pub(crate) upload_expiry: Duration,
    /// How many requests one caller may make.
    pub(crate) limits: LimitsConfig,
    /// Indexes may be pushed whose children are not all there.
    pub(crate) sparse_indexes: bool,
    /// Networks beside the public ones in which other registries may be.
    pub(crate) upstreams_allowed_networks: Vec<IpNet>,
    /// A blob that lost its last reference is kept for this long.
    pub(crate) gc_grace: Duration,
    /// Logs.
    pub(crate) log: LogConfig,
    /// The longest pause within a body, in either direction.
    pub(crate) idle_timeout: Duration,
    /// How long running requests may take to end after SIGTERM.
    pub(crate) drain_timeout: Duration,
    /// How long new connections are still accepted after SIGTERM, until everybody has seen `/readyz` fail.
    pub(crate) drain_delay: Duration,
}

/// PostgreSQL.
#[derive(Clone)]
pub(crate) struct DatabaseConfig {
    /// How it is reached; `None` until the embedded one is up.
    pub(crate) options: Option<sqlx::postgres::PgConnectOptions>,
    /// Most connections that one process opens.
    pub(crate) max_connections: u32,
}

/// Redis.
#[derive(Clone)]
pub(crate) struct CacheConfig {
    /// `redis://` or `rediss://`.
    pub(crate) url: Url,
    /// Its password, where it does not stand in the URL.
    pub(crate) password: Option<SecretSource>,
    /// The authority that signed its certificate.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The token service.
#[derive(Clone)]
pub(crate) struct TokenConfig {
    /// What tokens are signed with; all replicas have the same.
    pub(crate) signing_key: Option<SecretSource>,
    /// How long a token is good for.
    pub(crate) lifetime: Duration,
}

/// The operator's own account.
#[derive(Clone)]
pub(crate) struct SystemAccount {
    /// Its login name.
    pub(crate) name: String,
    /// Its password.
    pub(crate) password: SecretSource,
}

/// How many requests one caller may make in a minute; `None` for any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LimitsConfig {
    /// `GET` of manifests.
    pub(crate) pulls: Option<u32>,
    /// `HEAD` of anything.
    pub(crate) heads: Option<u32>,
    /// Tokens.
    pub(crate) tokens: Option<u32>,
}

/// How robots' full names are built: prefix + name, or prefix + project + separator + name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RobotNames {
    /// In front of every robot's name.
    pub(crate) prefix: String,
    /// Between project and name.
    pub(crate) separator: String,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// One JSON object a line, or lines for people; unset: whatever standard error is.
    pub(crate) json: Option<bool>,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,sqlx=debug`.
    pub(crate) level: String,
}

impl Config {
    /// Reads the file (if one is named) and the process's environment.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match file {
            Some(path) => Some((
                path.to_owned(),
                std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                    path: path.to_owned(),
                    source,
                })?,
            )),
            None => None,
        };
        Self::from_parts(text, std::env::vars())
    }

    /// Puts a file's text and an environment together.
    pub(crate) fn from_parts(
        file: Option<(PathBuf, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        build::build(tree::Tree::read(file, environment)?)
    }
}
