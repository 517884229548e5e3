//! The jobs of this slice, and when they run.

use std::time::Duration;

use serde_json::{Value, json};
use slipway_jobs::{JobContext, JobError, JobSettings, NewSchedule, Registry, schedule};

use super::{abort_strays, collect_blobs, expire_uploads};
use crate::error::{Error, Result};
use crate::kernel::app::App;

/// Removes uploads that nobody goes on with.
pub(crate) const EXPIRE_UPLOADS: &str = "expire_uploads";
/// Removes blobs that nothing refers to.
pub(crate) const COLLECT_BLOBS: &str = "collect_blobs";

/// Removes what the store holds of uploads that no row knows.
pub(crate) const ABORT_STRAYS: &str = "abort_strays";

/// Kind and cron expression of each.
const SCHEDULES: &[(&str, &str)] = &[
    (EXPIRE_UPLOADS, "* * * * *"),
    (COLLECT_BLOBS, "*/5 * * * *"),
    // Listing costs requests: once a day is enough for what only crashes and removed projects leave.
    (ABORT_STRAYS, "17 3 * * *"),
];

/// Registers the handlers with a worker.
pub(crate) fn register(registry: &mut Registry, app: &App) {
    let settings = || JobSettings {
        concurrency: Some(1),
        timeout: Duration::from_secs(6 * 3600),
        ..JobSettings::default()
    };
    let of_uploads = app.clone();
    registry.register(
        EXPIRE_UPLOADS,
        settings(),
        move |context: JobContext, _: Value| {
            let app = of_uploads.clone();
            async move {
                let done = expire_uploads(&app, || context.token().is_cancelled())
                    .await
                    .map_err(failed)?;
                if done.uploads + done.failed > 0 {
                    context.log(format!("removed {} idle uploads", done.uploads));
                }
                match done.failed {
                    0 => Ok(()),
                    n => Err(JobError::retry(format!(
                        "{n} idle uploads could not be removed, they are tried again"
                    ))),
                }
            }
        },
    );
    let of_strays = app.clone();
    registry.register(ABORT_STRAYS, settings(), move |context: JobContext, _: Value| {
        let app = of_strays.clone();
        async move {
            let done = abort_strays(&app, || context.token().is_cancelled())
                .await
                .map_err(failed)?;
            context.log(format!(
                "looked at {} uploads in the store, removed {} that nobody knows, freed {} bytes",
                done.seen, done.removed, done.freed_bytes
            ));
            match done.failed {
                0 => Ok(()),
                n => Err(JobError::retry(format!(
                    "{n} unknown uploads could not be removed, they are tried again"
                ))),
            }
        }
    });
    let of_blobs = app.clone();
    registry.register(COLLECT_BLOBS, settings(), move |context: JobContext, _: Value| {
        let app = of_blobs.clone();
        async move {
            let done = collect_blobs(&app, || context.token().is_cancelled())
                .await
                .map_err(failed)?;
            context.progress(
                json!({"reviewed": done.reviewed, "deleted": done.deleted, "freed_bytes": done.freed_bytes}),
            );
            context.log(format!(
                "reviewed {} blobs, removed {}, deleted {} objects, freed {} bytes; {} wait",
                done.reviewed, done.removed, done.deleted, done.freed_bytes, done.waiting
            ));
            match done.failed {
                0 => Ok(()),
                n => Err(JobError::retry(format!(
                    "the store refused to delete {n} objects, they are tried again"
                ))),
            }
        }
    });
}

/// Stores the schedules; every process that runs jobs may do so at its start.
pub(crate) async fn put_schedules(app: &App) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    for (kind, cron) in SCHEDULES {
        let wanted = NewSchedule {
            name: format!("distribution/{kind}"),
            cron: (*cron).to_owned(),
            time_zone: "UTC".to_owned(),
            kind: (*kind).to_owned(),
            payload: Value::Null,
            priority: 0,
            max_attempts: 3,
            enabled: true,
        };
        schedule::put(&mut conn, &app.clock, &wanted)
            .await
            .map_err(Error::internal)?;
    }
    Ok(())
}

fn failed(error: Error) -> JobError {
    JobError::retry(format!("{error:?}"))
}
