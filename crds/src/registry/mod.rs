//! The kind Registry.

mod auth;
mod cache;
mod database;
mod existing;
mod expose;
mod managed;
mod pod;
mod settings;
mod status;
mod storage;
mod tenancy;

pub use auth::*;
pub use cache::*;
pub use database::*;
pub use existing::*;
pub use expose::*;
use kube::CustomResource;
pub use managed::*;
pub use pod::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use settings::*;
pub use status::*;
pub use storage::*;
pub use tenancy::*;

use crate::common::{DeletionPolicy, SecretRef, rule, union};

/// A container registry: one that the operator runs, or one that runs already.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "slipway.dev",
    version = "v1alpha1",
    kind = "Registry",
    plural = "registries",
    shortname = "reg",
    category = "slipway",
    namespaced,
    status = "RegistryStatus",
    derive = "PartialEq",
    doc = "A container registry: one that the operator runs, or one that runs already.",
    printcolumn = r#"{"name":"URL","type":"string","jsonPath":".status.url"}"#,
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".status.version"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Suspended","type":"boolean","jsonPath":".spec.suspend"}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["managed", "existing"], "x-slipway-one-of-fixed" = "a Registry cannot change between managed and existing; create a second Registry instead", "x-slipway-rules" = [rule::rule(
    "!has(self.managed) || has(self.hostname)",
    "managed needs hostname: write the name under which clients reach the registry, such as registry.example.com"
)]))]
pub struct RegistrySpec {
    /// The name under which clients reach the registry, such as `registry.example.com`. Needed for `managed`; fixed
    /// once the Registry was ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::host_name()]))]
    pub hostname: Option<String>,
    /// Further names that are served as well and written into pull Secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set", "x-slipway-item-rules" = [rule::host_name()]))]
    pub additional_hostnames: Vec<String>,
    /// A registry that the operator runs in this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedRegistry>,
    /// A Slipway or Harbor that runs already; the operator makes no workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<ExistingRegistry>,
    /// The administrator's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,
    /// Where people's accounts come from. The registry's own database when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// The removal of content that nothing refers to any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub garbage_collection: Option<GarbageCollection>,
    /// Rules of retention for projects that have none of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<DefaultRetention>,
    /// Settings of the registry. Those that are absent are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// Who may declare projects and policies from other namespaces. The first rule that matches a namespace counts;
    /// without a match there is no access.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub tenancy: Vec<TenancyRule>,
    /// What happens to data, keys and passwords when this object is deleted. `Retain` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Stops creating, updating and running until it is false again. Deleting still works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

union! {
    /// Where the registry comes from.
    RegistrySpec, "spec": source() -> RegistrySource {
        /// The operator runs it.
        managed / "managed" => Managed(ManagedRegistry),
        /// It runs already.
        existing / "existing" => Existing(ExistingRegistry),
    }
}

impl RegistrySpec {
    /// What happens to data when the object goes.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or_default()
    }

    /// Whether the object is suspended.
    pub fn is_suspended(&self) -> bool {
        self.suspend.unwrap_or_default()
    }

    /// The host name and the further ones, in this order.
    pub fn hostnames(&self) -> impl Iterator<Item = &str> {
        self.hostname
            .iter()
            .chain(&self.additional_hostnames)
            .map(String::as_str)
    }
}

/// The administrator's account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Admin {
    /// The Secret with the password (key `password`). Generated as `<name>-admin` when absent. A change of the Secret
    /// changes the password within seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretRef>,
}
