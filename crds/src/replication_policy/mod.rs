//! The kind ReplicationPolicy.

mod remote;
mod status;

use kube::CustomResource;
pub use remote::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::{Quantity, ReplicationFilters, ReplicationTrigger};
pub use status::*;

use crate::common::{LocalProjectRef, ProjectSelector, RegistryRef, rule, union};

/// Copies artifacts between projects of a Registry and another registry.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "slipway.dev",
    version = "v1alpha1",
    kind = "ReplicationPolicy",
    plural = "replicationpolicies",
    shortname = "replpol",
    category = "slipway",
    namespaced,
    status = "ReplicationPolicyStatus",
    derive = "PartialEq",
    doc = "Copies artifacts between projects of a Registry and another registry.",
    printcolumn = r#"{"name":"Registry","type":"string","jsonPath":".spec.registryRef.name"}"#,
    printcolumn = r#"{"name":"Direction","type":"string","jsonPath":".spec.direction"}"#,
    printcolumn = r#"{"name":"Remote","type":"string","jsonPath":".spec.remote.url"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Suspended","type":"boolean","jsonPath":".spec.suspend"}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend(
    "x-slipway-one-of" = ["projectRef", "projectSelector"],
    "x-slipway-rules" = [
        rule::rule(
            "self.direction == 'Push' || has(self.projectRef)",
            "direction Pull lands in one project; use projectRef and not projectSelector"
        ),
        rule::rule(
            "self.direction == 'Push' || !has(self.trigger.onEvent)",
            "direction Pull cannot be triggered by events of the remote; use trigger.schedule or trigger.manual"
        )
    ]
))]
pub struct ReplicationPolicySpec {
    /// The Registry whose projects take part.
    #[schemars(extend("x-slipway-immutable" = true))]
    pub registry_ref: RegistryRef,
    /// One Project of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_ref: Option<LocalProjectRef>,
    /// Projects of this namespace by their labels. `{}` chooses all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_selector: Option<ProjectSelector>,
    /// Which way artifacts go.
    #[schemars(extend("x-slipway-immutable" = true))]
    pub direction: Direction,
    /// The other registry.
    pub remote: Remote,
    /// Which artifacts are taken along. All when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<ReplicationFilters>,
    /// Where artifacts land. Under the same names when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// What starts the replication.
    pub trigger: ReplicationTrigger,
    /// Whether artifacts at the destination are overwritten. They are not when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwrite: Option<bool>,
    /// How much is copied in a second at most, such as `50Mi`. No limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Quantity>,
    /// How many artifacts are copied at a time. The registry's own choice when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<i32>,
    /// How long a deletion waits for the registry before the object goes anyway. `10m` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timeout: Option<slipway_model::policy::HumanDuration>,
    /// Stops creating, updating and running until it is false again. Deleting still works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

union! {
    /// The projects of a policy.
    ReplicationPolicySpec, "spec": projects() -> ReplicationProjects {
        /// One.
        project_ref / "projectRef" => One(LocalProjectRef),
        /// Those with these labels.
        project_selector / "projectSelector" => Selected(ProjectSelector),
    }
}

impl ReplicationPolicySpec {
    /// Whether the object is suspended.
    pub fn is_suspended(&self) -> bool {
        self.suspend.unwrap_or_default()
    }
}

/// Which way artifacts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Direction {
    /// From this Registry to the remote.
    Push,
    /// From the remote to this Registry.
    Pull,
}

/// Where artifacts land.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// The project or path under which they land. For Pull it lies in the project of `projectRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$')",
        "write a path of lower-case names separated by slashes, such as mirror/team-a"
    )]))]
    pub namespace: Option<String>,
    /// How many leading parts of the name are dropped. 0 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 8))]
    pub flatten: Option<i32>,
}
