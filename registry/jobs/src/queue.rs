//! What everybody but the workers does with jobs: enqueue, look, stop, try again. Every function works on the caller's
//! connection and so inside its transaction.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::clock::Clock;
use crate::error::JobsError;
use crate::execution;
use crate::model::{ExecutionId, Job, JobId, JobState, LogLine, NewJob};

/// The channel on which workers are told that there is something to do or to stop.
pub(crate) const CHANNEL: &str = "slipway_jobs";

/// Enqueues a job; with a `dedupe_key` it may give back one that waits already, moved forward if need be.
pub async fn enqueue(conn: &mut PgConnection, clock: &Clock, job: NewJob) -> Result<JobId, JobsError> {
    let now = clock.now();
    if let Some(execution) = job.execution {
        execution::reopen(conn, execution).await?;
    }
    let run_at = job.run_at.unwrap_or(now);
    let id = sqlx::query_scalar!(
        r#"INSERT INTO jobs (execution_id, kind, payload, priority, dedupe_key, exclusive_key, run_at, max_attempts,
                             created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (kind, dedupe_key) WHERE state = 'pending' AND dedupe_key IS NOT NULL
           DO UPDATE SET priority = greatest(jobs.priority, excluded.priority),
                         run_at = least(jobs.run_at, excluded.run_at)
           RETURNING id AS "id: JobId""#,
        job.execution as Option<ExecutionId>,
        job.kind,
        job.payload,
        job.priority,
        job.dedupe_key,
        job.exclusive_key,
        run_at,
        i32::from(job.max_attempts.max(1)),
        now,
    )
    .fetch_one(&mut *conn)
    .await?;
    if run_at <= now {
        notify(conn).await?;
    }
    Ok(id)
}

/// Wakes the workers when the caller's transaction commits.
pub(crate) async fn notify(conn: &mut PgConnection) -> Result<(), JobsError> {
    sqlx::query!("SELECT pg_notify($1, '')", CHANNEL)
        .execute(conn)
        .await?;
    Ok(())
}

/// Looks a job up.
pub async fn job(conn: &mut PgConnection, id: JobId) -> Result<Option<Job>, JobsError> {
    let job = sqlx::query_as!(
        Job,
        r#"SELECT id AS "id: JobId", execution_id AS "execution_id: ExecutionId", kind, payload, priority,
                  state AS "state: JobState", run_at, attempt, failures, max_attempts, worker, stop_requested,
                  progress, error, created_at, started_at, ended_at
           FROM jobs WHERE id = $1"#,
        id as JobId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(job)
}

/// The jobs of an execution in the order of their ids, at most `limit` behind `after`.
pub async fn jobs_of(
    conn: &mut PgConnection,
    execution: ExecutionId,
    after: Option<JobId>,
    limit: i64,
) -> Result<Vec<Job>, JobsError> {
    let jobs = sqlx::query_as!(
        Job,
        r#"SELECT id AS "id: JobId", execution_id AS "execution_id: ExecutionId", kind, payload, priority,
                  state AS "state: JobState", run_at, attempt, failures, max_attempts, worker, stop_requested,
                  progress, error, created_at, started_at, ended_at
           FROM jobs WHERE execution_id = $1 AND id > $2 ORDER BY id LIMIT $3"#,
        execution as ExecutionId,
        after.unwrap_or(JobId(0)) as JobId,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(jobs)
}

/// The first job of each of these executions, in the order of the executions' ids.
pub async fn firsts_of(conn: &mut PgConnection, executions: &[ExecutionId]) -> Result<Vec<Job>, JobsError> {
    let ids: Vec<i64> = executions.iter().map(|id| id.0).collect();
    let jobs = sqlx::query_as!(
        Job,
        r#"SELECT j.id AS "id: JobId", j.execution_id AS "execution_id: ExecutionId", j.kind, j.payload, j.priority,
                  j.state AS "state: JobState", j.run_at, j.attempt, j.failures, j.max_attempts, j.worker,
                  j.stop_requested, j.progress, j.error, j.created_at, j.started_at, j.ended_at
           FROM unnest($1::bigint[]) AS e (id)
           CROSS JOIN LATERAL (SELECT * FROM jobs WHERE execution_id = e.id ORDER BY id LIMIT 1) j
           ORDER BY e.id"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(jobs)
}

/// What workers are at, in the order of the jobs' ids.
pub async fn running(conn: &mut PgConnection) -> Result<Vec<Job>, JobsError> {
    let jobs = sqlx::query_as!(
        Job,
        r#"SELECT id AS "id: JobId", execution_id AS "execution_id: ExecutionId", kind, payload, priority,
                  state AS "state: JobState", run_at, attempt, failures, max_attempts, worker, stop_requested,
                  progress, error, created_at, started_at, ended_at
           FROM jobs WHERE state = 'running' ORDER BY id"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(jobs)
}

/// The log of a job, of all its runs, at most `limit` lines behind the line `after`; 0 for the beginning.
pub async fn log(
    conn: &mut PgConnection,
    id: JobId,
    after: i64,
    limit: i64,
) -> Result<Vec<LogLine>, JobsError> {
    let lines = sqlx::query_as!(
        LogLine,
        "SELECT id, attempt, line, logged_at FROM job_logs WHERE job_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        id as JobId,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(lines)
}

/// Asks a job to end: a waiting one is stopped at once, a running one within 10 seconds. Answers whether there was
/// anything to stop.
pub async fn request_stop(conn: &mut PgConnection, clock: &Clock, id: JobId) -> Result<bool, JobsError> {
    stop_where(conn, clock.now(), Some(id), None).await
}

/// Asks every job of an execution to end.
pub async fn request_stop_all(
    conn: &mut PgConnection,
    clock: &Clock,
    execution: ExecutionId,
) -> Result<bool, JobsError> {
    stop_where(conn, clock.now(), None, Some(execution)).await
}

async fn stop_where(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: Option<JobId>,
    execution: Option<ExecutionId>,
) -> Result<bool, JobsError> {
    let touched = sqlx::query!(
        r#"UPDATE jobs SET stop_requested = true,
                  ended_at = CASE WHEN state = 'pending' THEN $3 ELSE ended_at END,
                  state = CASE WHEN state = 'pending' THEN 'stopped' ELSE state END
           WHERE (id = $1 OR execution_id = $2) AND ended_at IS NULL
           RETURNING execution_id AS "execution_id: ExecutionId""#,
        id as Option<JobId>,
        execution as Option<ExecutionId>,
        now,
    )
    .fetch_all(&mut *conn)
    .await?;
    if touched.is_empty() {
        return Ok(false);
    }
    notify(conn).await?;
    execution::end_all(conn, now, touched.iter().filter_map(|row| row.execution_id)).await?;
    Ok(true)
}

/// Asks every job that runs to end, and answers how many those are.
pub async fn request_stop_running(conn: &mut PgConnection) -> Result<u64, JobsError> {
    let touched = sqlx::query!("UPDATE jobs SET stop_requested = true WHERE state = 'running'")
        .execute(&mut *conn)
        .await?
        .rows_affected();
    if touched > 0 {
        notify(conn).await?;
    }
    Ok(touched)
}

/// Stops at most `limit` jobs of these kinds that wait, and answers how many. Those that run go on.
pub async fn stop_waiting(
    conn: &mut PgConnection,
    clock: &Clock,
    kinds: &[String],
    limit: i64,
) -> Result<u64, JobsError> {
    let now = clock.now();
    let stopped = sqlx::query!(
        r#"UPDATE jobs SET stop_requested = true, state = 'stopped', ended_at = $2
           WHERE id IN (SELECT id FROM jobs WHERE kind = ANY ($1) AND state = 'pending' LIMIT $3
                        FOR UPDATE SKIP LOCKED)
           RETURNING execution_id AS "execution_id: ExecutionId""#,
        kinds,
        now,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    execution::end_all(conn, now, stopped.iter().filter_map(|row| row.execution_id)).await?;
    Ok(stopped.len() as u64)
}

/// Lets a job that failed or was stopped run again with all its attempts. Answers whether it was such a job.
pub async fn retry(conn: &mut PgConnection, clock: &Clock, id: JobId) -> Result<bool, JobsError> {
    let now = clock.now();
    let revived = sqlx::query!(
        r#"UPDATE jobs SET state = 'pending', run_at = $2, failures = 0, losses = 0, stop_requested = false,
                  ended_at = NULL, dedupe_key = NULL
           WHERE id = $1 AND state IN ('error', 'stopped')
           RETURNING execution_id AS "execution_id: ExecutionId""#,
        id as JobId,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(revived) = revived else { return Ok(false) };
    if let Some(execution) = revived.execution_id {
        execution::reopen(conn, execution).await?;
    }
    notify(conn).await?;
    Ok(true)
}

/// How much waits and runs of each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCount {
    /// The kind.
    pub kind: String,
    /// Jobs that wait, due or not.
    pub pending: i64,
    /// Jobs that a worker has.
    pub running: i64,
    /// Since when the oldest due one has been waiting.
    pub due_since: Option<DateTime<Utc>>,
}

/// Counts what is open, by kind.
pub async fn counts(conn: &mut PgConnection, clock: &Clock) -> Result<Vec<QueueCount>, JobsError> {
    let counts = sqlx::query_as!(
        QueueCount,
        r#"SELECT kind, count(*) FILTER (WHERE state = 'pending') AS "pending!",
                  count(*) FILTER (WHERE state = 'running') AS "running!",
                  min(run_at) FILTER (WHERE state = 'pending' AND run_at <= $1) AS due_since
           FROM jobs WHERE state IN ('pending', 'running') GROUP BY kind ORDER BY kind"#,
        clock.now(),
    )
    .fetch_all(conn)
    .await?;
    Ok(counts)
}
