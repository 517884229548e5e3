//! Executions: what a user, a schedule or an event started, made of jobs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::clock::Clock;
use crate::error::JobsError;
use crate::model::ExecutionId;

/// An execution to be created; enqueue its jobs in the same transaction.
#[derive(Debug, Clone)]
pub struct NewExecution {
    /// What is run, such as `replication`.
    pub kind: String,
    /// Which one of these: the policy's id, for instance.
    pub subject_id: Option<i64>,
    /// `manual`, `schedule` or `event`.
    pub trigger: String,
    /// Whatever the kind wants to remember.
    pub attributes: Value,
}

/// An execution as it stands, with the states of its jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Its name.
    pub id: ExecutionId,
    /// What is run.
    pub kind: String,
    /// Which one of these.
    pub subject_id: Option<i64>,
    /// What started it.
    pub trigger: String,
    /// Whatever the kind remembers.
    pub attributes: Value,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its last job ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Jobs that wait.
    pub pending: i64,
    /// Jobs that a worker has.
    pub running: i64,
    /// Jobs that are done.
    pub success: i64,
    /// Jobs that failed for good.
    pub error: i64,
    /// Jobs that were stopped.
    pub stopped: i64,
}

/// How many jobs of an execution stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCounts {
    /// All of them.
    pub total: i64,
    /// Those that are not final.
    pub open: i64,
}

/// Where an execution stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// Something waits or runs.
    Running,
    /// Everything is done.
    Success,
    /// All has ended, and at least one job failed.
    Error,
    /// All has ended, none failed, at least one was stopped.
    Stopped,
}

impl Execution {
    /// How many jobs there are.
    pub fn counts(&self) -> JobCounts {
        let open = self.pending + self.running;
        JobCounts {
            total: open + self.success + self.error + self.stopped,
            open,
        }
    }

    /// Where it stands as a whole.
    pub fn status(&self) -> ExecutionStatus {
        if self.ended_at.is_none() {
            ExecutionStatus::Running
        } else if self.error > 0 {
            ExecutionStatus::Error
        } else if self.stopped > 0 {
            ExecutionStatus::Stopped
        } else {
            ExecutionStatus::Success
        }
    }
}

/// Creates an execution. One that gets no job at all is ended with [`end_if_done`].
pub async fn create(
    conn: &mut PgConnection,
    clock: &Clock,
    new: NewExecution,
) -> Result<ExecutionId, JobsError> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO job_executions (kind, subject_id, trigger, attributes, created_at)
           VALUES ($1, $2, $3, $4, $5) RETURNING id AS "id: ExecutionId""#,
        new.kind,
        new.subject_id,
        new.trigger,
        new.attributes,
        clock.now(),
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// A look at executions with the states of their jobs: which ones, and in which part of the list. Each has a statement of its own,
/// so that each has a plan of its own.
macro_rules! select {
    ($whose:tt, $($value:expr),*) => {
        sqlx::query_as!(
            Execution,
            r#"SELECT e.id AS "id: ExecutionId", e.kind, e.subject_id, e.trigger, e.attributes, e.created_at, e.ended_at,
                      c.pending AS "pending!", c.running AS "running!", c.success AS "success!", c.error AS "error!",
                      c.stopped AS "stopped!"
               FROM (SELECT * FROM job_executions WHERE "# + $whose + r#") e
               CROSS JOIN LATERAL (
                   SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
                          count(*) FILTER (WHERE state = 'running') AS running,
                          count(*) FILTER (WHERE state = 'success') AS success,
                          count(*) FILTER (WHERE state = 'error') AS error,
                          count(*) FILTER (WHERE state = 'stopped') AS stopped
                   FROM jobs WHERE execution_id = e.id) c
               ORDER BY e.id DESC"#,
            $($value),*
        )
    };
}

/// Looks an execution up.
pub async fn execution(conn: &mut PgConnection, id: ExecutionId) -> Result<Option<Execution>, JobsError> {
    let found = select!("id = $1", id as ExecutionId).fetch_optional(conn).await?;
    Ok(found)
}

/// Executions of a kind (and subject), newest first, at most `limit` before `before`.
pub async fn executions(
    conn: &mut PgConnection,
    kind: &str,
    subject_id: Option<i64>,
    before: Option<ExecutionId>,
    limit: i64,
) -> Result<Vec<Execution>, JobsError> {
    let before = before.unwrap_or(ExecutionId(i64::MAX));
    let found = match subject_id {
        Some(subject) => {
            select!(
                "kind = $1 AND subject_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
                kind,
                subject,
                before as ExecutionId,
                limit
            )
            .fetch_all(conn)
            .await?
        }
        None => {
            select!(
                "kind = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                kind,
                before as ExecutionId,
                limit
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(found)
}

/// The newest execution of a kind for each of these subjects that has one.
pub async fn newest(
    conn: &mut PgConnection,
    kind: &str,
    subjects: &[i64],
) -> Result<Vec<Execution>, JobsError> {
    let found = select!(
        "id IN (SELECT n.id FROM unnest($2::bigint[]) AS s (id) CROSS JOIN LATERAL (
                    SELECT id FROM job_executions WHERE kind = $1 AND subject_id = s.id ORDER BY id DESC LIMIT 1) n)",
        kind,
        subjects
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// An execution that gets a job is not at its end, or no longer.
pub(crate) async fn reopen(conn: &mut PgConnection, id: ExecutionId) -> Result<(), JobsError> {
    sqlx::query!(
        "UPDATE job_executions SET ended_at = NULL WHERE id = $1 AND ended_at IS NOT NULL",
        id as ExecutionId
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks the execution as ended if no job of it is open. Workers do this with each job's end.
pub async fn end_if_done(conn: &mut PgConnection, clock: &Clock, id: ExecutionId) -> Result<(), JobsError> {
    end(conn, clock.now(), id).await
}

/// See [`end_if_done`]; in the order of ids, so that two that end several at once do not wait for each other.
pub(crate) async fn end_all(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ids: impl Iterator<Item = ExecutionId>,
) -> Result<(), JobsError> {
    for id in ids.collect::<BTreeSet<_>>() {
        end(conn, now, id).await?;
    }
    Ok(())
}

async fn end(conn: &mut PgConnection, now: DateTime<Utc>, id: ExecutionId) -> Result<(), JobsError> {
    // The lock comes first, in a statement of its own: of two last jobs that end at once, the second one to get it sees
    // what the first one did. It also waits for those that are just enqueueing into this execution.
    sqlx::query!(
        "SELECT id FROM job_executions WHERE id = $1 FOR UPDATE",
        id as ExecutionId
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE job_executions SET ended_at = $2
         WHERE id = $1 AND ended_at IS NULL
           AND NOT EXISTS (SELECT FROM jobs WHERE execution_id = $1 AND ended_at IS NULL)",
        id as ExecutionId,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
