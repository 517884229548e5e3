use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::Quantity;

use super::{Placement, Resources};
use crate::common::{CaRef, SecretRef, rule, union};

/// The PostgreSQL database. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["managed", "cloudNativePG", "external"]))]
pub struct Database {
    /// One PostgreSQL server that the operator runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedDatabase>,
    /// A highly available cluster that CloudNativePG runs.
    #[serde(rename = "cloudNativePG", skip_serializing_if = "Option::is_none")]
    pub cloud_native_pg: Option<CloudNativePg>,
    /// A PostgreSQL server that runs already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalDatabase>,
}

union! {
    /// Where the database comes from.
    Database, "spec.managed.database": kind() -> DatabaseKind {
        /// The operator runs it.
        managed / "managed" => Managed(ManagedDatabase),
        /// CloudNativePG runs it.
        cloud_native_pg / "cloudNativePG" => CloudNativePg(CloudNativePg),
        /// It runs already.
        external / "external" => External(ExternalDatabase),
    }
}

/// One PostgreSQL server that the operator runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedDatabase {
    /// The major version, such as `17`. When absent, the one at creation is kept. A change of the major version needs
    /// a dump and a restore and is never made by accident.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 2), extend("x-slipway-immutable" = true, "x-slipway-rules" = [rule::rule(
        "self.matches('^1[5-9]$')",
        "write a major version of PostgreSQL from 15 to 19 in quotes, such as \"17\""
    )]))]
    pub version: Option<String>,
    /// The size of the volume, such as `10Gi`. It can grow but not shrink.
    #[schemars(extend("x-slipway-grow-only" = true))]
    pub size: Quantity,
    /// The storage class. The cluster's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-immutable" = true, "x-slipway-rules" = [rule::object_name()]))]
    pub storage_class_name: Option<String>,
    /// CPU and memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Where the pod runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Placement>,
}

/// A highly available cluster that CloudNativePG runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudNativePg {
    /// How many servers. 3 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9))]
    pub instances: Option<i32>,
    /// The size of each volume, such as `10Gi`. It can grow but not shrink.
    #[schemars(extend("x-slipway-grow-only" = true))]
    pub size: Quantity,
    /// The storage class. The cluster's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-immutable" = true, "x-slipway-rules" = [rule::object_name()]))]
    pub storage_class_name: Option<String>,
    /// The image of PostgreSQL. CloudNativePG's choice when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub image_name: Option<String>,
    /// CPU and memory of each server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// A PostgreSQL server that runs already.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalDatabase {
    /// The server's host name or address.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[A-Za-z0-9:]([-A-Za-z0-9.:]*[A-Za-z0-9:])?$')",
        "write a host name or an address without scheme, port or path, such as db.example.com"
    )]))]
    pub host: String,
    /// The server's port. 5432 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// The name of the database. It must exist.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// How the connection is protected. `VerifyFull` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_mode: Option<SslMode>,
    /// The Secret with the account (keys `username` and `password`).
    pub credentials_secret_ref: SecretRef,
    /// A bundle of certificates for the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
}

impl ExternalDatabase {
    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(5432)
    }
}

/// How a connection to PostgreSQL is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SslMode {
    /// No encryption.
    Disable,
    /// Encrypted, the server's certificate is not looked at.
    Require,
    /// Encrypted, the certificate must come from the bundle.
    VerifyCa,
    /// Encrypted, the certificate must come from the bundle and fit the host.
    #[default]
    VerifyFull,
}

impl SslMode {
    /// As PostgreSQL writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}
