//! Removal of what ended long ago, in small transactions.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use crate::clock::Clock;
use crate::error::JobsError;

/// Rows that one transaction removes.
const BATCH: i64 = 5000;

/// Removes jobs (with their logs), executions and fires that ended more than `keep` ago, and answers how many jobs and
/// executions those were. Jobs of an execution go with it, not before. At most one worker at a time does this.
pub async fn sweep(pool: &PgPool, clock: &Clock, keep: TimeDelta) -> Result<u64, JobsError> {
    let before = clock.now() - keep;
    let mut removed = 0;
    loop {
        let batch = executions(pool, before).await? + jobs(pool, before).await?;
        removed += batch;
        fires(pool, before).await?;
        if batch == 0 {
            return Ok(removed);
        }
    }
}

async fn executions(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, JobsError> {
    // An execution has any number of jobs, so fewer of them go at once.
    let removed = sqlx::query!(
        "DELETE FROM job_executions WHERE id IN
             (SELECT id FROM job_executions WHERE ended_at < $1 ORDER BY ended_at LIMIT $2
              FOR UPDATE SKIP LOCKED)",
        before,
        BATCH / 10,
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}

async fn jobs(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, JobsError> {
    let removed = sqlx::query!(
        "DELETE FROM jobs WHERE id IN
             (SELECT id FROM jobs WHERE ended_at < $1 AND execution_id IS NULL ORDER BY ended_at LIMIT $2
              FOR UPDATE SKIP LOCKED)",
        before,
        BATCH,
    )
    .execute(pool)
    .await?;
    Ok(removed.rows_affected())
}

/// The last fire of each schedule stays: it is shown.
async fn fires(pool: &PgPool, before: DateTime<Utc>) -> Result<(), JobsError> {
    sqlx::query!(
        "DELETE FROM job_fires f WHERE fire_at < $1
             AND EXISTS (SELECT FROM job_fires n WHERE n.schedule_id = f.schedule_id AND n.fire_at > f.fire_at)",
        before,
    )
    .execute(pool)
    .await?;
    Ok(())
}
