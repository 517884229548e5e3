//! Runs: listed, looked at, stopped, read.

use serde_json::Value;
use slipway_api::{ExecHistory, ScheduleObj};
use slipway_jobs::{Execution, ExecutionId, ExecutionStatus, Job, execution, queue};
use slipway_model::permission::Action;
use sqlx::PgConnection;

use super::{Chore, log_text};
use crate::error::{Code, Error, Result};
use crate::features::request::Params;
use crate::features::request::query::{Query, sort};
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;

/// Runs that can be seen; the nightly sweep leaves far fewer.
const MOST: i64 = 1000;

/// A page of the runs, newest first unless `sort` says otherwise, and how many there are.
pub(crate) async fn history(
    app: &App,
    ctx: &Context,
    chore: &Chore,
    page: &Page,
    params: &Params,
) -> Result<(Vec<ExecHistory>, i64)> {
    let query = Query::read(params)?;
    let known = ["id", "creation_time", "start_time", "update_time", "end_time"];
    let (_, down) = sort(params, &known, ("id", true));
    let mut tx = app.listing().await?;
    standing::require_system(&mut tx, app.clock.now(), ctx, chore.resource, Action::List).await?;
    let mut found = execution::executions(&mut tx, chore.kind, None, None, MOST)
        .await
        .map_err(Error::internal)?;
    let (id, status, trigger) = (
        query.number(&["id"])?,
        query.exact(&["status", "job_status"]),
        query.exact(&["trigger", "job_kind"]),
    );
    found.retain(|found| {
        id.is_none_or(|id| found.id.0 == id)
            && status.is_none_or(|word| word.eq_ignore_ascii_case(status_of(found)))
            && trigger.is_none_or(|word| word.eq_ignore_ascii_case(&found.trigger))
    });
    if !down {
        found.reverse();
    }
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let most = page.limit().and_then(|limit| usize::try_from(limit).ok());
    let shown: Vec<Execution> = found
        .into_iter()
        .skip(skipped)
        .take(most.unwrap_or(usize::MAX))
        .collect();
    let ids: Vec<ExecutionId> = shown.iter().map(|found| found.id).collect();
    let jobs = queue::firsts_of(&mut tx, &ids).await.map_err(Error::internal)?;
    let runs = shown.iter().map(|found| {
        let job = jobs.iter().find(|job| job.execution_id == Some(found.id));
        run(chore, found, job)
    });
    Ok((runs.collect(), total))
}

/// One run.
pub(crate) async fn find(app: &App, ctx: &Context, chore: &Chore, id: i64) -> Result<ExecHistory> {
    let mut conn = app.pool.acquire().await?;
    let found = enter(&mut conn, app, ctx, chore, id, Action::Read).await?;
    let jobs = queue::firsts_of(&mut conn, &[found.id])
        .await
        .map_err(Error::internal)?;
    Ok(run(chore, &found, jobs.first()))
}

/// Asks a run to end. One that has ended already is no error, as in Harbor.
pub(crate) async fn stop(app: &App, ctx: &Context, chore: &Chore, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let found = enter(&mut tx, app, ctx, chore, id, Action::Stop).await?;
    let stopped = queue::request_stop_all(&mut tx, &app.clock, found.id)
        .await
        .map_err(Error::internal)?;
    if stopped {
        tell(
            &mut tx,
            app,
            ctx,
            chore,
            "update",
            format!("stop {} {id}", chore.title),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A run's log: readable from its first moment to its last, wherever it runs.
pub(crate) async fn log(app: &App, ctx: &Context, chore: &Chore, id: i64) -> Result<String> {
    let mut conn = app.pool.acquire().await?;
    let found = enter(&mut conn, app, ctx, chore, id, Action::Read).await?;
    let jobs = queue::firsts_of(&mut conn, &[found.id])
        .await
        .map_err(Error::internal)?;
    let job = jobs
        .first()
        .ok_or_else(|| Error::new(Code::NotFound, format!("{} {id} has no log", chore.title)))?;
    log_text(&mut conn, job).await
}

async fn enter(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    chore: &Chore,
    id: i64,
    action: Action,
) -> Result<Execution> {
    standing::require_system(conn, app.clock.now(), ctx, chore.resource, action).await?;
    let found = execution::execution(conn, ExecutionId(id))
        .await
        .map_err(Error::internal)?;
    found
        .filter(|found| found.kind == chore.kind)
        .ok_or_else(|| Error::new(Code::NotFound, format!("{} {id} not found", chore.title)))
}

/// The audit's line, in the transaction of the change.
pub(super) async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    chore: &Chore,
    operation: &str,
    description: String,
) -> Result<()> {
    let entry = AuditEntry {
        project_id: None,
        resource: chore.title.to_owned(),
        resource_type: chore.audited.to_owned(),
        operation: operation.to_owned(),
        description,
        success: true,
    };
    audit::record(conn, app.clock.now(), ctx, entry).await
}

fn status_of(found: &Execution) -> &'static str {
    match found.status() {
        ExecutionStatus::Running => "Running",
        ExecutionStatus::Success => "Success",
        ExecutionStatus::Error => "Error",
        ExecutionStatus::Stopped => "Stopped",
    }
}

fn run(chore: &Chore, found: &Execution, job: Option<&Job>) -> ExecHistory {
    let mut parameters = found.attributes.clone();
    let progress = job
        .and_then(|job| job.progress.as_ref())
        .and_then(Value::as_object);
    if let (Some(parameters), Some(progress)) = (parameters.as_object_mut(), progress) {
        parameters.extend(progress.clone());
    }
    let scheduled = found.trigger == "schedule";
    let begun = job.and_then(|job| job.started_at).unwrap_or(found.created_at);
    ExecHistory {
        id: found.id.0,
        job_name: chore.name.to_owned(),
        job_kind: if scheduled { "SCHEDULE" } else { "MANUAL" }.to_owned(),
        job_parameters: parameters.to_string(),
        schedule: ScheduleObj {
            kind: if scheduled { "Schedule" } else { "Manual" }.to_owned(),
            ..ScheduleObj::default()
        },
        job_status: status_of(found).to_owned(),
        deleted: false,
        creation_time: found.created_at.into(),
        update_time: found.ended_at.unwrap_or(begun).into(),
    }
}
