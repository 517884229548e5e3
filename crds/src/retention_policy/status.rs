use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{Condition, RegistryRef};

/// What the operator found and did last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicyStatus {
    /// The generation of the specification that the last finished attempt saw; -1 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The state, in the form that `kubectl wait` understands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// How many projects the policy applies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_projects: Option<i64>,
    /// The totals of the last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RetentionTotals>,
    /// When the policy runs next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run: Option<String>,
    /// Projects that need a look: failed ones and those that wait for approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["project"]))]
    pub attention: Vec<ProjectAttention>,
    /// The Registries that keep something of the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub registries: Vec<RegistryRef>,
    /// The installation of the operator that handles this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// The last value of the annotation `slipway.dev/reconcile-now` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile: Option<String>,
    /// The last value of the annotation `slipway.dev/run-now` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_run: Option<String>,
    /// The last value of the annotation `slipway.dev/approve` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_approval: Option<String>,
}

/// The totals of a run over all projects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionTotals {
    /// When the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// How many projects it went through.
    pub projects: i64,
    /// How many artifacts were kept.
    pub kept: i64,
    /// How many artifacts were deleted, or would have been in a dry run.
    pub deleted: i64,
    /// In how many projects it failed.
    pub failed: i64,
    /// Whether it only reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// A project that needs a look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectAttention {
    /// The Project object.
    pub project: String,
    /// Why, as a reason.
    pub reason: String,
    /// What to do.
    pub message: String,
}
