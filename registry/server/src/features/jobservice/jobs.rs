//! What keeps the queue's own history short.

use serde_json::Value;
use slipway_jobs::{JobContext, JobError, JobSettings, NewSchedule, Registry, schedule, sweep};

use crate::error::{Error, Result};
use crate::kernel::app::App;

/// Removes executions that nobody looks at any more.
pub(super) const SWEEP: &str = "execution_sweep";

/// Executions that are kept of each policy (or of what there is only one of), Harbor's numbers.
const KEPT: &[(&str, i64)] = &[
    ("image_scan", 1),
    ("scan_all", 1),
    ("sbom", 1),
    ("purge_audit", 10),
    (SWEEP, 10),
];
/// Of every other kind.
const KEPT_OTHERWISE: i64 = 50;

/// Registers the handlers with a worker.
pub(crate) fn register(registry: &mut Registry, app: &App) {
    let settings = JobSettings {
        concurrency: Some(1),
        ..JobSettings::default()
    };
    let app = app.clone();
    registry.register(SWEEP, settings, move |context: JobContext, _: Value| {
        let app = app.clone();
        async move {
            let stopped = || context.token().is_cancelled();
            let removed = sweep::keep_newest(&app.pool, KEPT, KEPT_OTHERWISE, stopped).await?;
            context.log(format!("removed {removed} executions with their jobs and logs"));
            match context.token().is_cancelled() {
                true => Err(JobError::retry("asked to end")),
                false => Ok(()),
            }
        }
    });
}

/// Stores the schedule; every process that runs jobs may do so at its start.
pub(crate) async fn put_schedules(app: &App) -> Result<()> {
    let nightly = NewSchedule {
        name: SWEEP.to_owned(),
        cron: "0 0 * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        kind: SWEEP.to_owned(),
        payload: Value::Null,
        priority: 0,
        max_attempts: 3,
        enabled: true,
    };
    let mut conn = app.pool.acquire().await?;
    schedule::put(&mut conn, &app.clock, &nightly)
        .await
        .map_err(Error::internal)?;
    Ok(())
}
