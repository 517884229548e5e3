//! What every worker does by the clock.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Shared;
use crate::{schedule, sweep};

/// Time between two sweeps, and between two repairs of schedules.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Fires schedules at each poll, sweeps now and then.
pub(super) async fn tick(shared: Arc<Shared>) {
    let mut swept: Option<Instant> = None;
    loop {
        match schedule::tick(&shared.pool, &shared.clock).await {
            Ok(0) => {}
            Ok(fired) => tracing::debug!(fired, "schedules fired"),
            Err(error) => tracing::warn!(%error, "schedules could not be fired"),
        }
        if swept.is_none_or(|swept| swept.elapsed() >= SWEEP_EVERY) {
            swept = Some(Instant::now());
            tidy(&shared).await;
        }
        sleep(shared.settings.poll).await;
    }
}

async fn tidy(shared: &Shared) {
    if let Err(error) = schedule::repair(&shared.pool, &shared.clock).await {
        tracing::warn!(%error, "schedules could not be looked over");
    }
    if let Some(keep) = shared.settings.keep {
        match sweep::sweep(&shared.pool, &shared.clock, keep).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed jobs and executions that ended long ago"),
            Err(error) => tracing::warn!(%error, "old jobs could not be removed"),
        }
    }
}
