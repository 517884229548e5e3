//! The kind RetentionPolicy.

mod status;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::{RetentionRule, Schedule};
pub use status::*;

use crate::common::{LocalProjectRef, ProjectSelector, rule, union};

/// Rules that say which artifacts of projects are kept; the others are deleted when the policy runs.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "slipway.dev",
    version = "v1alpha1",
    kind = "RetentionPolicy",
    plural = "retentionpolicies",
    shortname = "retpol",
    category = "slipway",
    namespaced,
    status = "RetentionPolicyStatus",
    derive = "PartialEq",
    doc = "Rules that say which artifacts of projects are kept; the others are deleted when the policy runs.",
    printcolumn = r#"{"name":"Schedule","type":"string","jsonPath":".spec.schedule.cron"}"#,
    printcolumn = r#"{"name":"Projects","type":"integer","jsonPath":".status.matchedProjects"}"#,
    printcolumn = r#"{"name":"Next","type":"string","jsonPath":".status.nextRun"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Suspended","type":"boolean","jsonPath":".spec.suspend"}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["projectRef", "projectSelector"]))]
pub struct RetentionPolicySpec {
    /// One Project of this namespace. The registry follows from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_ref: Option<LocalProjectRef>,
    /// Projects of this namespace by their labels. `{}` chooses all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_selector: Option<ProjectSelector>,
    /// The rules. An artifact that any of them keeps is kept, and so is a repository that no rule matches. Without
    /// rules nothing is deleted.
    #[schemars(length(max = 15), extend("x-kubernetes-list-type" = "atomic"))]
    pub rules: Vec<RetentionRule>,
    /// Whether rules count artifacts or tags. `Artifact` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<RetentionMode>,
    /// When the policy runs. Only by hand, with the annotation `slipway.dev/run-now`, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Whether runs only report what they would delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// Stops runs that would delete too much until a person approves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<RetentionGuard>,
    /// Stops creating, updating and running until it is false again. Deleting still works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

union! {
    /// The projects of a policy.
    RetentionPolicySpec, "spec": projects() -> RetentionProjects {
        /// One.
        project_ref / "projectRef" => One(LocalProjectRef),
        /// Those with these labels.
        project_selector / "projectSelector" => Selected(ProjectSelector),
    }
}

impl RetentionPolicySpec {
    /// Whether rules count artifacts or tags.
    pub fn mode(&self) -> RetentionMode {
        self.mode.unwrap_or_default()
    }

    /// Whether the object is suspended.
    pub fn is_suspended(&self) -> bool {
        self.suspend.unwrap_or_default()
    }
}

/// Whether rules count artifacts or tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RetentionMode {
    /// Artifacts, as Harbor does: an artifact that is kept keeps all its tags.
    #[default]
    Artifact,
    /// Tags: one that no rule keeps is removed, and the artifact when it has none left.
    Tag,
}

/// Stops runs that would delete too much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionGuard {
    /// The share of a project's artifacts that one run may delete, such as `50%`.
    #[schemars(length(min = 2, max = 4), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^([0-9]|[1-9][0-9]|100)%$')",
        "write a share in percent from 0% to 100%, such as 50%"
    )]))]
    pub max_delete: String,
}

impl RetentionGuard {
    /// The share in percent; nothing may be deleted when the text cannot be read.
    pub fn max_delete_percent(&self) -> u8 {
        self.max_delete
            .strip_suffix('%')
            .and_then(|number| number.parse().ok())
            .map_or(0, |percent: u8| percent.min(100))
    }
}
