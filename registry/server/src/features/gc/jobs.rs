//! The run.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use slipway_jobs::{JobContext, JobError, JobSettings, Registry};

use super::CHORE;
use super::parameters::{Parameters, window};
use crate::distribution::garbage::{self, Collected, Plan, Young};
use crate::distribution::settings;
use crate::error::Error;
use crate::features::chore;
use crate::features::retention::untagged::{self, Untagged};
use crate::kernel::app::App;

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
            async move { collect(&app, &context, told).await }
        },
    );
    chore::register(registry, app, &CHORE);
}

/// What a run has come to; its job reports it.
struct Report {
    app: App,
    context: JobContext,
    told: Parameters,
    manifests: AtomicU64,
}

impl Report {
    fn manifests(&self, count: u64) {
        self.manifests.store(count, Ordering::Relaxed);
        self.write(0, 0);
    }

    fn write(&self, blobs: u64, bytes: u64) {
        let manifests = self.manifests.load(Ordering::Relaxed);
        self.context.progress(json!({
            "dry_run": self.told.dry_run,
            "time_window": window(&self.app),
            "purged_manifests": manifests,
            "purged_blobs": blobs,
            "freed_space": bytes,
        }));
    }
}

async fn collect(app: &App, context: &JobContext, told: Parameters) -> Result<(), JobError> {
    let guard = settings::grace(app);
    context.log(format!(
        "garbage collection begins: delete_untagged {}, dry_run {}, workers {}, guard {} seconds (setting gc.grace)",
        told.delete_untagged,
        told.dry_run,
        told.workers,
        guard.num_seconds()
    ));
    let report = Report {
        app: app.clone(),
        context: context.clone(),
        told,
        manifests: AtomicU64::new(0),
    };
    report.write(0, 0);
    let untagged = match told.delete_untagged {
        true => untagged::remove(app, context, told.dry_run, |count| report.manifests(count))
            .await
            .map_err(failed)?,
        false => Untagged::default(),
    };
    if told.delete_untagged {
        context.log(format!(
            "untagged artifacts: {} {}, {} kept by retention or immutable rules, {} too young (pushed less than {} seconds ago)",
            untagged.gone,
            if told.dry_run { "would be removed" } else { "removed" },
            untagged.kept,
            untagged.young,
            guard.num_seconds()
        ));
        report.manifests(untagged.gone);
    }
    if context.token().is_cancelled() {
        return Err(JobError::retry("asked to end"));
    }
    match told.dry_run {
        true => foretell(app, context, &report, &untagged).await,
        false => sweep(app, context, &report).await,
    }
}

/// A run that tells what the next one would do.
async fn foretell(
    app: &App,
    context: &JobContext,
    report: &Report,
    untagged: &Untagged,
) -> Result<(), JobError> {
    let Plan { blobs, bytes, young } = garbage::plan(app, &untagged.manifests).await.map_err(failed)?;
    context.log(format!(
        "{blobs} blobs of {bytes} bytes are candidates and would be deleted"
    ));
    report.write(blobs, bytes);
    too_young(context, young);
    Ok(())
}

async fn sweep(app: &App, context: &JobContext, report: &Report) -> Result<(), JobError> {
    let workers = usize::try_from(report.told.workers).unwrap_or(1);
    let done = garbage::collect_watched(app, workers, |done: Collected| {
        report.write(done.deleted, done.freed_bytes);
        context.token().is_cancelled()
    })
    .await
    .map_err(failed)?;
    report.write(done.deleted, done.freed_bytes);
    context.log(format!(
        "{} candidates reviewed, {} blobs removed; the store confirmed {} objects as deleted, {} bytes freed",
        done.reviewed, done.removed, done.deleted, done.freed_bytes
    ));
    too_young(context, garbage::young(app).await.map_err(failed)?);
    if context.token().is_cancelled() {
        return Err(JobError::retry("asked to end"));
    }
    match done.failed {
        0 => Ok(()),
        n => Err(JobError::fatal(format!(
            "the store refused to delete {n} objects: they stay candidates, and only what it confirmed counts as freed"
        ))),
    }
}

fn too_young(context: &JobContext, young: Young) {
    match young.next {
        Some(next) => context.log(format!(
            "{} candidates are too young, the next one is due at {}",
            young.count,
            next.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        )),
        None => context.log("no candidate is too young"),
    }
}

/// What the database says no to is not decided, and so nothing more is deleted.
fn failed(error: Error) -> JobError {
    JobError::fatal(format!(
        "ended before its time, nothing undecided was deleted: {error:?}"
    ))
}
