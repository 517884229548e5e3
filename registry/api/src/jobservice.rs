//! What workers are doing and what waits for them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// A worker process that is alive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct WorkerPool {
    /// Its process on its machine.
    pub pid: i64,
    /// Its name.
    pub worker_pool_id: String,
    /// When it began.
    pub start_at: Timestamp,
    /// When it last said that it is there.
    pub heartbeat_at: Timestamp,
    /// How many jobs it runs at once.
    pub concurrency: i64,
    /// Its machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// Room for one job in a worker process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PoolWorker {
    /// Its name.
    pub id: String,
    /// The worker process.
    pub pool_id: String,
    /// What it is at; left out while it is idle, like all that follows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub job_name: String,
    /// The job.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub job_id: String,
    /// When it began with that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Timestamp>,
}

/// Jobs of one type that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobQueue {
    /// Harbor's word for the type.
    pub job_type: String,
    /// How many wait.
    #[serde(skip_serializing_if = "crate::wire::zero")]
    pub count: i64,
    /// For how many seconds the oldest one that is due has been waiting.
    #[serde(skip_serializing_if = "crate::wire::zero")]
    pub latency: i64,
    /// Is none of them begun?
    pub paused: bool,
}

/// What is to be done to a queue or a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ActionRequest {
    /// `stop`, `pause` or `resume`, in any case.
    pub action: String,
}

/// Something that is done by the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ScheduleTask {
    /// The schedule's id.
    pub id: i64,
    /// Harbor's word for what is done.
    pub vendor_type: String,
    /// Which one of these: the policy's id, -1 where there is only one.
    #[serde(skip_serializing_if = "crate::wire::zero")]
    pub vendor_id: i64,
    /// Six fields in UTC.
    pub cron: String,
    /// When it was stored last.
    pub update_time: Timestamp,
}

/// Does anything happen by the clock?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SchedulerStatus {
    /// Nothing does.
    pub paused: bool,
}
