//! Kinds of which no job is begun for a while. The claim query reads the few rows itself, so that a pause holds for every worker
//! from the moment of its commit.

use sqlx::PgConnection;

use crate::clock::Clock;
use crate::error::JobsError;
use crate::queue;

/// The kind that stands for all schedules: while it is paused, none fires.
pub const SCHEDULER: &str = "scheduler";

/// Begins no more jobs of these kinds; those that run go on.
pub async fn pause(conn: &mut PgConnection, clock: &Clock, kinds: &[String]) -> Result<(), JobsError> {
    sqlx::query!(
        "INSERT INTO job_pauses (kind, paused_at) SELECT DISTINCT k, $2::timestamptz FROM unnest($1::text[]) AS k
         ON CONFLICT (kind) DO NOTHING",
        kinds,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Begins jobs of these kinds again.
pub async fn resume(conn: &mut PgConnection, kinds: &[String]) -> Result<(), JobsError> {
    let resumed = sqlx::query!("DELETE FROM job_pauses WHERE kind = ANY ($1)", kinds)
        .execute(&mut *conn)
        .await?
        .rows_affected();
    if resumed > 0 {
        queue::notify(conn).await?;
    }
    Ok(())
}

/// The kinds that are paused, sorted.
pub async fn paused(conn: &mut PgConnection) -> Result<Vec<String>, JobsError> {
    let kinds = sqlx::query_scalar!("SELECT kind FROM job_pauses ORDER BY kind")
        .fetch_all(conn)
        .await?;
    Ok(kinds)
}
