use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::Condition;

/// What the operator found and did last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryStatus {
    /// The generation of the specification that the last finished attempt saw; -1 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The state, in the form that `kubectl wait` understands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The URL under which clients reach the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The host name, fixed since the Registry was ready for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The URL inside the cluster, which the operator uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_url: Option<String>,
    /// The version that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A newer version that could run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_available: Option<String>,
    /// The version of the database's schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<i64>,
    /// The image that runs, with its digest when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The major version of a managed PostgreSQL, fixed since it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_version: Option<String>,
    /// The Secret with the administrator's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_secret_name: Option<String>,
    /// The ConfigMap with the certificate authority, key `ca.crt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_config_map_name: Option<String>,
    /// The installation of the operator that handles this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// The last value of the annotation `slipway.dev/reconcile-now` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile: Option<String>,
    /// Clean-up that is owed for objects that went while this registry did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub owed_cleanup: Vec<OwedCleanup>,
}

/// Clean-up that is owed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwedCleanup {
    /// The kind of the object that went.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// What is to be done.
    pub action: String,
}
