//! Replication: policies, executions, tasks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Registry;
use crate::time::Timestamp;

/// What is copied from one registry to another, and when.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReplicationPolicy {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it copies from; absent, or with the id 0: this registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_registry: Option<Registry>,
    /// Where it copies to; absent, or with the id 0: this registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dest_registry: Option<Registry>,
    /// What the first components of names become; empty: they stay.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dest_namespace: String,
    /// How many components `dest_namespace` replaces; -1, also where it is left out: all but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dest_namespace_replace_count: Option<i64>,
    /// What starts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<ReplicationTrigger>,
    /// What it takes along; all must agree.
    pub filters: Vec<ReplicationFilter>,
    /// The same as `deletion`; where it is sent it does not matter.
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub replicate_deletion: bool,
    /// Are deletions done at the other end too?
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub deletion: bool,
    /// Are tags moved that stand on something else at the destination?
    #[serde(rename = "override", skip_serializing_if = "crate::wire::not")]
    pub overwrite: bool,
    /// Does it run at all?
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub enabled: bool,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// Most KiB a second of each task; 0 or less: as fast as it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<i32>,
    /// Are large blobs sent in parts?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_by_chunk: Option<bool>,
    /// Does a run begin only where no other one goes on?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_active_replication: Option<bool>,
    /// Slipway's own: the platforms of indexes that are copied, such as `linux/amd64` or `linux/arm/v7`; empty: all. The index
    /// itself stays as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
}

/// What starts a replication.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReplicationTrigger {
    /// `manual`, `scheduled` or `event_based`.
    #[serde(rename = "type")]
    pub kind: String,
    /// More about it.
    pub trigger_settings: ReplicationTriggerSettings,
}

/// When a replication starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReplicationTriggerSettings {
    /// Six fields in UTC of which the first is `0` and the second no star.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cron: String,
}

/// Narrows down what is taken along.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReplicationFilter {
    /// `name`, `tag`, `label` or `resource`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A glob; of `label` a list of names; of `resource` `image` or `artifact`.
    #[schema(value_type = Object)]
    pub value: Value,
    /// `matches` or `excludes`, of `tag` and `label`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub decoration: String,
}

/// Which policy is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StartReplicationExecution {
    /// Its id.
    pub policy_id: i64,
}

/// A run of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReplicationExecution {
    /// Its id.
    pub id: i64,
    /// The policy's.
    pub policy_id: i64,
    /// `InProgress`, `Succeed`, `Failed` or `Stopped`.
    pub status: String,
    /// `manual`, `scheduled` or `event_based`.
    pub trigger: String,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Timestamp,
    /// What there is to say about it.
    pub status_text: String,
    /// All tasks.
    pub total: i64,
    /// Those that failed.
    pub failed: i64,
    /// Those that are done.
    pub succeed: i64,
    /// Those that wait or run.
    pub in_progress: i64,
    /// Those that were stopped.
    pub stopped: i64,
}

/// The work of a run in one repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReplicationTask {
    /// Its id.
    pub id: i64,
    /// The run's.
    pub execution_id: i64,
    /// `Pending`, `InProgress`, `Succeed`, `Failed` or `Stopped`.
    pub status: String,
    /// The id as a text.
    pub job_id: String,
    /// `copy`, `deletion` or `tag deletion`.
    pub operation: String,
    /// `artifact` or `image`.
    pub resource_type: String,
    /// What is copied.
    pub src_resource: String,
    /// What it becomes.
    pub dst_resource: String,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Timestamp,
}
