use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Placement, Resources};
use crate::common::{CaRef, SecretRef, rule, union};

/// Redis, for sessions and shared caches. Emptying it loses nothing but speed. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["managed", "external", "none"]))]
pub struct Cache {
    /// One Redis that the operator runs, without a volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedCache>,
    /// A Redis that runs already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalCache>,
    /// No Redis: each process keeps its own cache. Write `none: {}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub none: Option<NoCache>,
}

union! {
    /// Where Redis comes from.
    Cache, "spec.managed.cache": kind() -> CacheKind {
        /// The operator runs it.
        managed / "managed" => Managed(ManagedCache),
        /// It runs already.
        external / "external" => External(ExternalCache),
        /// There is none.
        none / "none" => None(NoCache),
    }
}

/// One Redis that the operator runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedCache {
    /// CPU and memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Where the pod runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Placement>,
}

/// A Redis that runs already.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalCache {
    /// The server's host name or address.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[A-Za-z0-9:]([-A-Za-z0-9.:]*[A-Za-z0-9:])?$')",
        "write a host name or an address without scheme, port or path, such as redis.example.com"
    )]))]
    pub host: String,
    /// The server's port. 6379 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// Whether the connection is encrypted. True when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// A bundle of certificates for the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
    /// The number of the database. 0 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub database: Option<i32>,
    /// The account. The default one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub username: Option<String>,
    /// The Secret with the password (key `password`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretRef>,
}

impl ExternalCache {
    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(6379)
    }

    /// Whether the connection is encrypted.
    pub fn tls(&self) -> bool {
        self.tls.unwrap_or(true)
    }
}

/// No Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoCache {}
