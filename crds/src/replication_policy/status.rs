use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::Condition;

/// What the operator found and did last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationPolicyStatus {
    /// The generation of the specification that the last finished attempt saw; -1 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The state, in the form that `kubectl wait` understands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The number of the policy in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<i64>,
    /// The number of the registry endpoint that the policy owns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<i64>,
    /// The last executions, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    pub executions: Vec<ReplicationExecution>,
    /// When the policy runs next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run: Option<String>,
    /// How many of the selected projects were left out because they are not declared in this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded_projects: Option<i64>,
    /// A keyed hash of the credential that was sent last, not the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_hash: Option<String>,
    /// The installation of the operator that handles this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// The last value of the annotation `slipway.dev/reconcile-now` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile: Option<String>,
    /// The last value of the annotation `slipway.dev/run-now` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_run: Option<String>,
}

/// One execution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationExecution {
    /// Its number in the registry.
    pub id: i64,
    /// What started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// How it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// How many artifacts it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// How many were copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<i64>,
    /// How many failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<i64>,
}
