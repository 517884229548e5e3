//! What can go wrong, for callers of the queue and for its handlers.

use std::time::Duration;

use thiserror::Error;

/// Why the queue did not do what it was asked to do.
#[derive(Debug, Error)]
pub enum JobsError {
    /// The payload has no JSON form.
    #[error("the payload of a {kind:?} job has no JSON form")]
    Payload {
        /// The kind of the job.
        kind: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The cron expression cannot be read.
    #[error("{expression:?} is no cron expression: {reason}")]
    Cron {
        /// What was given.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such time zone.
    #[error("there is no time zone {0:?}, use a name such as UTC or Europe/Berlin")]
    TimeZone(String),
    /// The database failed.
    #[error("the job queue's database failed")]
    Database(#[from] sqlx::Error),
}

/// How a handler says that it failed.
#[derive(Debug, Error)]
pub enum JobError {
    /// Worth another attempt, after the kind's [`Backoff`](crate::Backoff).
    #[error("{0}")]
    Retry(String),
    /// Worth another attempt, but not before this time has passed: what `Retry-After` said, for instance.
    #[error("{message}")]
    RetryAfter {
        /// What went wrong.
        message: String,
        /// How long to wait.
        delay: Duration,
    },
    /// No attempt can succeed.
    #[error("{0}")]
    Fatal(String),
}

impl JobError {
    /// Another attempt may help.
    pub fn retry(error: impl ToString) -> Self {
        Self::Retry(error.to_string())
    }

    /// No attempt can help.
    pub fn fatal(error: impl ToString) -> Self {
        Self::Fatal(error.to_string())
    }
}

/// A database error within a handler is worth another attempt.
impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Self::retry(error)
    }
}

/// So is a failure of the queue itself.
impl From<JobsError> for JobError {
    fn from(error: JobsError) -> Self {
        Self::retry(error)
    }
}
