//! Leases: renewing one's own, and taking jobs back from workers that are gone.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Shared;
use super::claim::interval;
use crate::context::{CancelReason, lock};
use crate::error::JobsError;
use crate::execution;
use crate::model::ExecutionId;
use crate::pool;
use crate::queue;

/// How often a job may lose its worker before it is taken for the reason of that.
const MAX_LOSSES: i32 = 10;

/// Renews the leases of everything that runs here, at each heartbeat and when somebody stops something.
pub(super) async fn keep(shared: Arc<Shared>) {
    let mut renewed = Instant::now();
    say_alive(&shared).await;
    loop {
        let is_heartbeat = tokio::select! {
            () = sleep(shared.settings.heartbeat) => true,
            () = shared.stops.notified() => false,
        };
        match renew(&shared).await {
            Ok(()) => renewed = Instant::now(),
            Err(error) => {
                tracing::warn!(%error, "leases could not be renewed");
                if renewed.elapsed() > shared.settings.lease.mul_f32(0.7) {
                    give_all_up(&shared);
                }
            }
        }
        if is_heartbeat {
            if let Err(error) = take_back(&shared).await {
                tracing::warn!(%error, "jobs of lost workers could not be taken back");
            }
            say_alive(&shared).await;
        }
    }
}

async fn say_alive(shared: &Shared) {
    if let Err(error) = pool::alive(&shared.pool, &shared.settings).await {
        tracing::warn!(%error, "the worker could not say that it is there");
    }
}

/// Renews, learns which leases are lost and which jobs shall stop.
async fn renew(shared: &Shared) -> Result<(), JobsError> {
    let held: Vec<Uuid> = lock(&shared.runs).keys().copied().collect();
    if held.is_empty() {
        return Ok(());
    }
    let renewing = sqlx::query!(
        r#"UPDATE jobs SET lease_until = clock_timestamp() + $2
           WHERE lease_token = ANY ($1) AND state = 'running'
           RETURNING lease_token AS "token!", stop_requested"#,
        &held,
        interval(shared.settings.lease),
    )
    .fetch_all(&shared.pool);
    let renewed = tokio::time::timeout(shared.settings.heartbeat.max(Duration::from_secs(1)), renewing)
        .await
        .map_err(|_| sqlx::Error::PoolTimedOut)??;
    let mut lost: HashSet<Uuid> = held.into_iter().collect();
    let runs = lock(&shared.runs);
    for row in renewed {
        lost.remove(&row.token);
        if row.stop_requested
            && let Some(run) = runs.get(&row.token)
        {
            run.cancel(CancelReason::Stopped);
        }
    }
    for token in lost {
        // Runs that ended meanwhile are gone from the map.
        if let Some(run) = runs.get(&token) {
            run.cancel(CancelReason::LeaseLost);
        }
    }
    Ok(())
}

/// The database was away for so long that the leases are about to end: stop before somebody else begins.
fn give_all_up(shared: &Shared) {
    for run in lock(&shared.runs).values() {
        run.cancel(CancelReason::LeaseLost);
    }
}

/// Frees jobs whose lease is over.
async fn take_back(shared: &Shared) -> Result<(), JobsError> {
    let now = shared.clock.now();
    let mut transaction = shared.pool.begin().await?;
    let freed = sqlx::query!(
        r#"WITH lost AS (
               SELECT id FROM jobs WHERE state = 'running' AND lease_until < clock_timestamp()
               FOR UPDATE SKIP LOCKED
           )
           UPDATE jobs SET losses = losses + 1, run_at = $1::timestamptz, lease_token = NULL, lease_until = NULL,
                  error = 'the worker ' || coalesce(worker, '') || ' was lost',
                  state = CASE WHEN stop_requested THEN 'stopped' WHEN losses + 1 >= $2 THEN 'error' ELSE 'pending' END,
                  ended_at = CASE WHEN stop_requested OR losses + 1 >= $2 THEN $1::timestamptz END,
                  dedupe_key = CASE WHEN EXISTS (SELECT FROM jobs o WHERE o.kind = jobs.kind AND o.state = 'pending'
                                                 AND o.dedupe_key = jobs.dedupe_key)
                               THEN NULL ELSE dedupe_key END
           FROM lost WHERE jobs.id = lost.id
           RETURNING execution_id AS "execution_id: ExecutionId""#,
        now,
        MAX_LOSSES,
    )
    .fetch_all(&mut *transaction)
    .await?;
    if freed.is_empty() {
        return Ok(());
    }
    tracing::warn!(jobs = freed.len(), "took jobs back from workers that are gone");
    execution::end_all(
        &mut transaction,
        now,
        freed.iter().filter_map(|row| row.execution_id),
    )
    .await?;
    queue::notify(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}
