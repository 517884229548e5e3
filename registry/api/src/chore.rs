//! What the system does by the clock or when an administrator wants it: garbage collection, clearing of the audit log.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// When something is to be done, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Schedule {
    /// When; must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleObj>,
    /// How; what may stand here is told by each operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Map<String, Value>>,
}

/// When something is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ScheduleObj {
    /// `Hourly`, `Daily`, `Weekly`, `Custom` and `Schedule` go by `cron`; `Manual` is at once, `None` never again.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Six fields in UTC: second (0), minute, hour, day of month, month, day of week.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cron: String,
    /// When it is done next; where it is sent it does not matter.
    pub next_scheduled_time: Timestamp,
}

/// A run, or the schedule of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ExecHistory {
    /// The run's id, or the schedule's.
    pub id: i64,
    /// What is run, such as `GARBAGE_COLLECTION`; left out of a schedule.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub job_name: String,
    /// `MANUAL` or `SCHEDULE`; of a schedule its cron expression.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub job_kind: String,
    /// How it is or was done and what came of it: JSON in a text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub job_parameters: String,
    /// When it is done.
    pub schedule: ScheduleObj,
    /// `Running`, `Success`, `Error` or `Stopped`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub job_status: String,
    /// Never.
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub deleted: bool,
    /// When it was started, or the schedule made.
    pub creation_time: Timestamp,
    /// When it changed last.
    pub update_time: Timestamp,
}
