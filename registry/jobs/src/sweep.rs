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

/// Executions that one transaction removes.
const EXECUTIONS: usize = 1000;

/// Removes the executions that ended and of which there are newer ones of the same kind and subject: so many of those as `keep`
/// says of the kind, or `otherwise`. Answers how many went; ends early when `stopped` says so.
pub async fn keep_newest(
    pool: &PgPool,
    keep: &[(&str, i64)],
    otherwise: i64,
    stopped: impl Fn() -> bool,
) -> Result<u64, JobsError> {
    let (kinds, numbers): (Vec<String>, Vec<i64>) = keep
        .iter()
        .map(|(kind, number)| ((*kind).to_owned(), *number))
        .unzip();
    let beyond = sqlx::query_scalar!(
        r#"SELECT e.id AS "id!" FROM (
               SELECT id, kind, ended_at, row_number() OVER (PARTITION BY kind, subject_id ORDER BY id DESC) AS place
               FROM job_executions) e
           LEFT JOIN unnest($1::text[], $2::bigint[]) AS k (kind, keep) ON k.kind = e.kind
           WHERE e.ended_at IS NOT NULL AND e.place > coalesce(k.keep, $3) ORDER BY e.id"#,
        &kinds,
        &numbers,
        otherwise,
    )
    .fetch_all(pool)
    .await?;
    let mut removed = 0;
    for ids in beyond.chunks(EXECUTIONS) {
        if stopped() {
            break;
        }
        removed += remove(pool, ids).await?;
    }
    Ok(removed)
}

/// Removes those of these executions that are at their end and that nobody changes just now.
async fn remove(pool: &PgPool, ids: &[i64]) -> Result<u64, JobsError> {
    let mut transaction = pool.begin().await?;
    let ended = sqlx::query_scalar!(
        "SELECT id FROM job_executions WHERE id = ANY ($1) AND ended_at IS NOT NULL FOR UPDATE SKIP LOCKED",
        ids,
    )
    .fetch_all(&mut *transaction)
    .await?;
    sqlx::query!("DELETE FROM jobs WHERE execution_id = ANY ($1)", &ended)
        .execute(&mut *transaction)
        .await?;
    let removed = sqlx::query!("DELETE FROM job_executions WHERE id = ANY ($1)", &ended)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(removed.rows_affected())
}
