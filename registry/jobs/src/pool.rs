//! Which worker processes are alive: each of them says so with every heartbeat, by the database's clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, PgPool};

use crate::error::JobsError;
use crate::worker::{WorkerSettings, interval};

/// How long the row of a worker that vanished is kept: nobody sees it meanwhile.
const KEPT: PgInterval = PgInterval {
    months: 0,
    days: 0,
    microseconds: 60_000_000,
};

/// A worker process that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name, which its jobs show as their worker.
    pub name: String,
    /// The machine that it runs on.
    pub host: String,
    /// Its process there.
    pub pid: i64,
    /// How many jobs it runs at once.
    pub slots: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last said that it is there.
    pub heartbeat_at: DateTime<Utc>,
}

/// The worker processes that are alive, the oldest first.
pub async fn pools(conn: &mut PgConnection) -> Result<Vec<Pool>, JobsError> {
    let pools = sqlx::query_as!(
        Pool,
        "SELECT name, host, pid, slots, started_at, heartbeat_at FROM job_workers
         WHERE alive_until > clock_timestamp() ORDER BY started_at, name",
    )
    .fetch_all(conn)
    .await?;
    Ok(pools)
}

/// Says that a worker is alive, for as long as its leases last, and forgets those that vanished.
pub(crate) async fn alive(pool: &PgPool, settings: &WorkerSettings) -> Result<(), JobsError> {
    let saying = sqlx::query!(
        "WITH gone AS (DELETE FROM job_workers WHERE alive_until < clock_timestamp() - $5::interval AND name <> $1)
         INSERT INTO job_workers (name, host, pid, slots, started_at, heartbeat_at, alive_until)
         VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp(), clock_timestamp() + $6)
         ON CONFLICT (name) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, alive_until = excluded.alive_until",
        settings.name,
        settings.host,
        i64::from(std::process::id()),
        i64::try_from(settings.slots).unwrap_or(i64::MAX),
        KEPT,
        interval(settings.lease),
    )
    .execute(pool);
    tokio::time::timeout(settings.heartbeat.max(Duration::from_secs(1)), saying)
        .await
        .map_err(|_| sqlx::Error::PoolTimedOut)??;
    Ok(())
}

/// A worker ends.
pub(crate) async fn gone(pool: &PgPool, name: &str) -> Result<(), JobsError> {
    sqlx::query!("DELETE FROM job_workers WHERE name = $1", name)
        .execute(pool)
        .await?;
    Ok(())
}
