//! The values of the queue.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::JobsError;

/// Attempts of a job when nothing else is said.
const DEFAULT_ATTEMPTS: u16 = 5;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names a job.
    JobId
}
id! {
    /// Names an execution: a group of jobs that were started together.
    ExecutionId
}
id! {
    /// Names a schedule.
    ScheduleId
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum JobState {
    /// It waits for its time or for a free worker; also between two attempts.
    Pending,
    /// A worker has it.
    Running,
    /// It is done.
    Success,
    /// It failed for good and waits for somebody to [`retry`](crate::retry) it.
    Error,
    /// Somebody stopped it.
    Stopped,
}

impl JobState {
    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Error | Self::Stopped)
    }
}

/// A job to be enqueued. Make it with [`NewJob::new`] and set the fields that matter.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: String,
    /// What the handler gets.
    pub payload: Value,
    /// The execution that it belongs to.
    pub execution: Option<ExecutionId>,
    /// Higher runs first.
    pub priority: i16,
    /// Not before this moment; `None` for at once.
    pub run_at: Option<DateTime<Utc>>,
    /// While a job of this kind and key waits, enqueueing gives that one back instead of a new one. One that runs already
    /// does not count: it may have begun before the reason for this one was there. The waiting row is locked until the
    /// caller's transaction ends, so no hot path should share one key.
    pub dedupe_key: Option<String>,
    /// At most one job of this kind and key runs at a time.
    pub exclusive_key: Option<String>,
    /// How often the handler may fail, at least 1. Runs that ended because their worker was lost or shut down do not count.
    pub max_attempts: u16,
}

impl NewJob {
    /// A job of `kind` for at once, with 5 attempts.
    pub fn new(kind: &str, payload: &impl Serialize) -> Result<Self, JobsError> {
        let payload = serde_json::to_value(payload).map_err(|source| JobsError::Payload {
            kind: kind.to_owned(),
            source,
        })?;
        Ok(Self {
            kind: kind.to_owned(),
            payload,
            execution: None,
            priority: 0,
            run_at: None,
            dedupe_key: None,
            exclusive_key: None,
            max_attempts: DEFAULT_ATTEMPTS,
        })
    }
}

/// A job as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// The execution that it belongs to.
    pub execution_id: Option<ExecutionId>,
    /// Which handler runs it.
    pub kind: String,
    /// What the handler gets.
    pub payload: Value,
    /// Higher runs first.
    pub priority: i16,
    /// Where it stands.
    pub state: JobState,
    /// Not before this moment.
    pub run_at: DateTime<Utc>,
    /// Runs begun.
    pub attempt: i32,
    /// Runs that its handler ended with an error.
    pub failures: i32,
    /// Failures after which it is given up.
    pub max_attempts: i32,
    /// The worker that has it, or had it last.
    pub worker: Option<String>,
    /// Somebody wants it to end.
    pub stop_requested: bool,
    /// What its handler last reported.
    pub progress: Option<Value>,
    /// Why its last run failed.
    pub error: Option<String>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When its last run began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Grows with the lines of one job; page with it.
    pub id: i64,
    /// The run that wrote it.
    pub attempt: i32,
    /// The text, without a line end.
    pub line: String,
    /// When it was written.
    pub logged_at: DateTime<Utc>,
}
