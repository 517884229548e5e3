//! The kind Project.

mod member;
mod proxy_cache;
mod robot;
mod security;
mod status;
mod webhook;

use kube::CustomResource;
pub use member::*;
pub use proxy_cache::*;
pub use robot::*;
use schemars::JsonSchema;
pub use security::*;
use serde::{Deserialize, Serialize};
use slipway_model::policy::{HumanDuration, ImmutableTagRule, Quantity};
pub use status::*;
pub use webhook::*;

use crate::{
    common::{Adoption, DEFAULT_DELETION_TIMEOUT, DeletionPolicy, RegistryRef, rule},
    registry::DefaultRetention,
};

/// A project of a Registry: a name space for images with its members, robots, quota and rules.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "slipway.dev",
    version = "v1alpha1",
    kind = "Project",
    plural = "projects",
    shortname = "rproj",
    category = "slipway",
    namespaced,
    status = "ProjectStatus",
    derive = "PartialEq",
    doc = "A project of a Registry: a name space for images with its members, robots, quota and rules.",
    printcolumn = r#"{"name":"Registry","type":"string","jsonPath":".spec.registryRef.name"}"#,
    printcolumn = r#"{"name":"URL","type":"string","jsonPath":".status.url"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Suspended","type":"boolean","jsonPath":".spec.suspend"}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [rule::rule(
    "!has(self.forceDelete) || !self.forceDelete || (has(self.deletionPolicy) && self.deletionPolicy == 'Delete')",
    "forceDelete needs deletionPolicy: Delete"
)]))]
pub struct ProjectSpec {
    /// The Registry that the project belongs to.
    #[schemars(extend("x-slipway-immutable" = true))]
    pub registry_ref: RegistryRef,
    /// The name of the project in the registry. The name of this object when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), extend("x-slipway-immutable" = true, "x-slipway-rules" = [rule::project_name()]))]
    pub name: Option<String>,
    /// Whether the operator writes to the registry or only reports differences in `status.pendingChanges`. `Manage`
    /// when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<Management>,
    /// What happens when a project of that name exists already. Only declared fields are ever written. `Never` when
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,
    /// Whether everybody may pull. `Private` at creation; left alone when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// How much the project may hold. Left alone when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// People and groups with a role in the project. Left alone when absent; otherwise exactly these, unless
    /// `membersPolicy` is `Merge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["kind", "name"]))]
    pub members: Option<Vec<Member>>,
    /// What happens to members that are not declared. `Replace` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_policy: Option<MembersPolicy>,
    /// Accounts for machines, each with a Secret that the operator writes into this namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub robots: Vec<Robot>,
    /// Tags that cannot be moved or deleted once they exist. Left alone when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["repositories", "tags"]))]
    pub immutable_tags: Option<Vec<ImmutableTagRule>>,
    /// Rules of retention for this project alone. A RetentionPolicy may select the project instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<DefaultRetention>,
    /// Scanning and what may be pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
    /// Makes the project a cache of another registry. A project is one or is not, for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-slipway-immutable-presence" = "a project is a proxy cache or is not, for ever; create another Project instead"))]
    pub proxy_cache: Option<ProxyCache>,
    /// Calls to other services when something happens. Left alone when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub webhooks: Option<Vec<Webhook>>,
    /// Labels that can be put on artifacts of the project. Left alone when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub labels: Option<Vec<Label>>,
    /// What happens to the project when this object is deleted. `Retain` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Whether `deletionPolicy: Delete` deletes the project although repositories remain in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_delete: Option<bool>,
    /// How long a deletion waits for the registry before the object goes anyway. `10m` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timeout: Option<HumanDuration>,
    /// Stops creating, updating and running until it is false again. Deleting still works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

impl ProjectSpec {
    /// The name of the project in the registry, for an object of this name.
    pub fn project_name<'a>(&'a self, object_name: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or(object_name)
    }

    /// Whether the operator writes.
    pub fn management(&self) -> Management {
        self.management.unwrap_or_default()
    }

    /// What happens when the project exists already.
    pub fn adoption(&self) -> Adoption {
        self.adoption.unwrap_or_default()
    }

    /// What happens to the project when the object goes.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or_default()
    }

    /// Whether a project that holds repositories is deleted.
    pub fn force_delete(&self) -> bool {
        self.force_delete.unwrap_or_default()
    }

    /// How long a deletion waits for the registry.
    pub fn deletion_timeout(&self) -> std::time::Duration {
        let written = self.deletion_timeout.as_ref().and_then(|text| text.to_std().ok());
        written
            .or_else(|| HumanDuration::new(DEFAULT_DELETION_TIMEOUT).to_std().ok())
            .unwrap_or_default()
    }

    /// Whether the object is suspended.
    pub fn is_suspended(&self) -> bool {
        self.suspend.unwrap_or_default()
    }
}

/// Whether the operator writes to the registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Management {
    /// It creates and corrects.
    #[default]
    Manage,
    /// It only reports what it would do.
    Observe,
}

/// Whether everybody may pull.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Visibility {
    /// Members and robots only.
    #[default]
    Private,
    /// Everybody, without logging in.
    Public,
}

/// How much a project may hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// The sum of the sizes, such as `100Gi`, or `Unlimited`.
    #[schemars(extend("x-slipway-value" = "quota"))]
    pub storage: Quantity,
}

/// A quota as the registry counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageLimit {
    /// No limit; Harbor writes -1.
    Unlimited,
    /// This many bytes.
    Bytes(u64),
}

impl Quota {
    /// The limit.
    pub fn limit(&self) -> Result<StorageLimit, slipway_model::policy::QuantityError> {
        match self.storage.as_str() {
            "Unlimited" => Ok(StorageLimit::Unlimited),
            _ => self.storage.bytes().map(StorageLimit::Bytes),
        }
    }
}

/// A label that can be put on artifacts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// The name of the label.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub description: Option<String>,
    /// Its colour, such as `#0065AB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 7, max = 7), extend("x-slipway-rules" = [rule::rule("self.matches('^#[0-9A-Fa-f]{6}$')", "write a colour such as #0065AB")]))]
    pub color: Option<String>,
}
