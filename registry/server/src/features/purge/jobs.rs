//! The run.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use slipway_jobs::{JobContext, JobError, JobSettings, Registry};

use super::parameters::Parameters;
use super::{CHORE, store};
use crate::features::chore::{self, failed};
use crate::kernel::app::App;

/// Entries that one statement looks at: each is a transaction of its own, so nobody waits and a stop is heard at once.
const BATCH: i64 = 5000;

/// Registers the handlers with a worker.
pub(crate) fn register(registry: &mut Registry, app: &App) {
    let settings = JobSettings {
        concurrency: Some(1),
        ..JobSettings::default()
    };
    let of_run = app.clone();
    registry.register(
        CHORE.kind,
        settings,
        move |context: JobContext, told: Parameters| {
            let app = of_run.clone();
            async move { clear(&app, &context, &told).await }
        },
    );
    chore::register(registry, app, &CHORE);
}

async fn clear(app: &App, context: &JobContext, told: &Parameters) -> Result<(), JobError> {
    let kinds = told.kinds();
    context.log(format!(
        "clearing of the audit log begins: retention_hour {}, include_event_types [{}], dry_run {}",
        told.audit_retention_hour,
        kinds.join(" "),
        told.dry_run
    ));
    context.progress(json!({"purged_rows": 0}));
    if told.audit_retention_hour <= 0 || kinds.is_empty() {
        context.log("nothing is to be cleared");
        return Ok(());
    }
    let before = app.clock.now() - TimeDelta::hours(told.audit_retention_hour);
    if told.dry_run {
        let count = {
            let mut conn = app.pool.acquire().await?;
            store::count(&mut conn, before, &kinds).await.map_err(failed)?
        };
        context.progress(json!({"purged_rows": count}));
        context.log(format!(
            "dry run: {count} entries from before {before} would be removed"
        ));
        return Ok(());
    }
    let mut removed = 0;
    let mut mark = store::Mark {
        op_time: DateTime::<Utc>::UNIX_EPOCH,
        id: 0,
    };
    loop {
        if context.token().is_cancelled() {
            context.log(format!("asked to end: {removed} entries are removed"));
            return Err(JobError::retry("asked to end"));
        }
        let batch = {
            let mut conn = app.pool.acquire().await?;
            store::remove(&mut conn, before, &kinds, mark, BATCH)
                .await
                .map_err(failed)?
        };
        let Some((gone, next)) = batch else { break };
        removed += gone;
        mark = next;
        context.progress(json!({"purged_rows": removed}));
    }
    context.log(format!("removed {removed} entries from before {before}"));
    Ok(())
}
