use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::Condition;

/// What the operator found and did last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectStatus {
    /// The generation of the specification that the last finished attempt saw; -1 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The state, in the form that `kubectl wait` understands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The number of the project in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
    /// What images of the project begin with, such as `registry.example.com/team-a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The robots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub robots: Vec<RobotStatus>,
    /// The last run of retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<RetentionRun>,
    /// What would be changed if `management` were `Manage`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 512)), extend("x-kubernetes-list-type" = "atomic"))]
    pub pending_changes: Vec<String>,
    /// The service accounts that carry pull Secrets of this object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["serviceAccount", "secretName"]))]
    pub attached_service_accounts: Vec<Attachment>,
    /// The installation of the operator that handles this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// The last value of the annotation `slipway.dev/reconcile-now` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile: Option<String>,
    /// The last value of the annotation `slipway.dev/rotate-now` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_rotation: Option<String>,
}

/// A robot as it is in the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RobotStatus {
    /// The name in the specification.
    pub name: String,
    /// The number of the robot in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The name that it logs in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The Secret with its token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// When the token ends. Absent when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When the token was replaced last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<String>,
    /// How long the token before it still works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_valid_until: Option<String>,
    /// A keyed hash of the token that was verified last, not the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_hash: Option<String>,
}

/// A pull Secret on a service account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The service account.
    pub service_account: String,
    /// The pull Secret.
    pub secret_name: String,
}

/// The last run of retention in a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionRun {
    /// The number of the execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<i64>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// How many artifacts were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<i64>,
    /// How many artifacts were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<i64>,
}
