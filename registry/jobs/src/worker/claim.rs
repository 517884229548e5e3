//! Taking jobs out of the queue.

use serde_json::Value;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use super::Shared;
use crate::error::JobsError;
use crate::model::{ExecutionId, JobId};

/// A job that this worker holds now.
pub(super) struct Claimed {
    pub(super) id: JobId,
    pub(super) execution_id: Option<ExecutionId>,
    pub(super) kind: String,
    pub(super) payload: Value,
    pub(super) attempt: i32,
    pub(super) failures: i32,
    pub(super) max_attempts: i32,
    pub(super) token: Uuid,
}

/// Opens a claiming transaction: one at a time over all workers, or two that count what runs at the same moment would
/// together start more than a kind's limit. A worker that dies or hangs in here is thrown out.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SELECT pg_advisory_xact_lock(7527466215941)";

/// Takes at most `free` jobs that are due, the most urgent first, as far as the limits of their kinds allow.
pub(super) async fn claim(shared: &Shared, free: usize) -> Result<Vec<Claimed>, JobsError> {
    let (kinds, limits) = shared.registry.limits();
    let mut transaction = shared.pool.begin_with(BEGIN).await?;
    let claimed = sqlx::query_as!(
        Claimed,
        r#"WITH kinds AS (
               SELECT k.kind, k.cap - (SELECT count(*) FROM jobs r WHERE r.state = 'running' AND r.kind = k.kind) AS room
               FROM unnest($1::text[], $2::bigint[]) AS k (kind, cap)
               WHERE NOT EXISTS (SELECT FROM job_pauses p WHERE p.kind = k.kind)
           ), due AS (
               SELECT d.* FROM kinds k CROSS JOIN LATERAL (
                   SELECT j.id, j.kind, j.exclusive_key, j.priority, j.run_at FROM jobs j
                   WHERE j.kind = k.kind AND j.state = 'pending' AND j.run_at <= $3
                     AND (j.exclusive_key IS NULL OR NOT EXISTS (
                          SELECT FROM jobs r
                          WHERE r.state = 'running' AND r.kind = j.kind AND r.exclusive_key = j.exclusive_key))
                   ORDER BY j.priority DESC, j.run_at, j.id
                   LIMIT greatest(least(k.room, $4), 0)
                   FOR UPDATE SKIP LOCKED) d
           ), first_of_key AS (
               SELECT id, priority, run_at, row_number() OVER (
                          PARTITION BY kind, coalesce(exclusive_key, id::text), exclusive_key IS NULL
                          ORDER BY priority DESC, run_at, id) AS place
               FROM due
           ), picked AS (
               SELECT id FROM first_of_key WHERE place = 1 ORDER BY priority DESC, run_at, id LIMIT $4
           )
           UPDATE jobs SET state = 'running', attempt = attempt + 1, started_at = $3, worker = $5, error = NULL,
                  progress = NULL, lease_token = gen_random_uuid(), lease_until = clock_timestamp() + $6
           FROM picked WHERE jobs.id = picked.id
           RETURNING jobs.id AS "id: JobId", execution_id AS "execution_id: ExecutionId", kind, payload, attempt,
                     failures, max_attempts, lease_token AS "token!""#,
        &kinds,
        &limits,
        shared.clock.now(),
        free as i64,
        shared.settings.name,
        interval(shared.settings.lease),
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(claimed)
}

/// A duration as PostgreSQL takes it.
pub(crate) fn interval(duration: std::time::Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval {
        months: 0,
        days: 0,
        microseconds,
    }
}
