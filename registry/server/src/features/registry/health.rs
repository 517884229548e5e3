//! How registries are: looked at beside whatever is saved, and now and then.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use slipway_jobs::{JobContext, JobError, JobSettings, NewSchedule, Registry, schedule};
use slipway_upstream::adapters::Remote;

use super::store::{self, RegistryRow};
use super::{remote, rules};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;

/// Looks at all registries.
const KIND: &str = "registry_health";
const CRON: &str = "*/5 * * * *";
/// How long one may take to answer.
const BUDGET: Duration = Duration::from_secs(10);
/// How many are asked at once, and read at once.
const AT_ONCE: usize = 8;
const PAGE: i64 = 100;

pub(super) const HEALTHY: &str = "healthy";
pub(super) const UNHEALTHY: &str = "unhealthy";

/// Registers the handler with a worker.
pub(crate) fn register(registry: &mut Registry, app: &App) {
    let settings = JobSettings {
        concurrency: Some(1),
        timeout: Duration::from_secs(1800),
        ..JobSettings::default()
    };
    let app = app.clone();
    registry.register(KIND, settings, move |context: JobContext, _: Value| {
        let app = app.clone();
        async move { look_at_all(&app, &context).await }
    });
}

/// Stores the schedule; every process that runs jobs may do so at its start.
pub(crate) async fn put_schedules(app: &App) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    let wanted = NewSchedule {
        name: "registry/health".to_owned(),
        cron: CRON.to_owned(),
        time_zone: "UTC".to_owned(),
        kind: KIND.to_owned(),
        payload: Value::Null,
        priority: 0,
        max_attempts: 1,
        enabled: true,
    };
    schedule::put(&mut conn, &app.clock, &wanted)
        .await
        .map_err(Error::internal)?;
    Ok(())
}

async fn look_at_all(app: &App, context: &JobContext) -> Result<(), JobError> {
    let failed = |error: Error| JobError::fatal(format!("{error:?}"));
    let (mut after, mut seen, mut ill, mut without_key) = (0, 0, 0, None);
    while !context.token().is_cancelled() {
        let mut conn = app.pool.acquire().await?;
        let rows = store::page(&mut conn, after, PAGE).await.map_err(failed)?;
        drop(conn);
        let Some(last) = rows.last() else { break };
        after = last.id;
        let mut looks = futures::stream::iter(rows)
            .map(|row| async move {
                let result = match remote::client(app, &row) {
                    Ok(remote) => Ok(look(&remote).await),
                    Err(error) => Err(error),
                };
                (row, result)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((row, result)) = looks.next().await {
            seen += 1;
            match result {
                Ok(result) => {
                    ill += usize::from(result.is_err());
                    if let Err(reason) = &result {
                        context.log(format!("{} is unhealthy: {reason}", row.name));
                    }
                    note(app, &row, result.is_ok()).await.map_err(failed)?;
                }
                Err(error) => without_key = Some(error),
            }
        }
    }
    context.log(format!("looked at {seen} registries, {ill} are unhealthy"));
    match without_key {
        Some(error) => Err(failed(error)),
        None => Ok(()),
    }
}

/// Looks at a registry that was just saved, and notes how it is. Nothing depends on it.
pub(super) async fn look_after_saving(app: &App, row: &RegistryRow) {
    let result = match remote::client(app, row) {
        Ok(remote) => look(&remote).await,
        Err(error) => Err(format!("{error:?}")),
    };
    if let Err(reason) = &result {
        tracing::warn!(
            registry = row.id,
            reason,
            "the registry that was saved is unhealthy"
        );
    }
    if let Err(error) = note(app, row, result.is_ok()).await {
        tracing::warn!(
            registry = row.id,
            ?error,
            "the health of a registry could not be noted"
        );
    }
}

/// Is it there, and does it let us in? The reason is for our log, never for the answer: it would tell what is behind an address.
pub(super) async fn look(remote: &Remote) -> Result<(), String> {
    match tokio::time::timeout(BUDGET, remote.upstream.ping()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {BUDGET:?}")),
    }
}

/// The one answer about a registry that is not well, whatever the reason.
pub(super) fn unhealthy() -> Error {
    Error::new(Code::BadRequest, "the registry is unhealthy")
}

async fn note(app: &App, row: &RegistryRow, well: bool) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    let status = if well { HEALTHY } else { UNHEALTHY };
    store::set_status(&mut conn, app.clock.now(), (row.id, row.version), status).await
}

/// Tries an address and credentials that are not kept.
pub(super) async fn try_once(app: &App, row: &RegistryRow, secret: Option<&str>) -> Result<()> {
    rules::kind(&row.kind)?;
    let remote = remote::fresh(app, row, secret)?;
    look(&remote).await.map_err(|reason| {
        tracing::warn!(url = row.url, reason, "a registry that was tried is unhealthy");
        unhealthy()
    })
}
