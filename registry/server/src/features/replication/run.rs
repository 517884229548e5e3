//! Runs: started, listed, stopped, read.

use chrono::SecondsFormat;
use serde_json::{Value, json};
use slipway_api::{ReplicationExecution, ReplicationTask};
use slipway_jobs::{ExecutionId, JobId, NewExecution, NewJob, execution, queue};
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::order::Run;
use super::store::{self, ExecutionRow, PolicyRow, WantedExecutions};
use super::{jobs, service, wire};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;
use crate::kernel::standing;

/// Lines of a log that one statement reads.
const LINES: i64 = 1000;
/// Most bytes of a log that are answered.
const MOST_BYTES: usize = 10 << 20;
/// What a run says that did not begin because another one goes on.
const SKIPPED: &str = "Execution skipped: active replication still in progress.";

/// Starts a run by hand and returns its id.
pub(super) async fn start(app: &App, ctx: &Context, policy_id: i64) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Create).await?;
    let policy = store::lock(&mut tx, policy_id)
        .await?
        .ok_or_else(|| service::absent(policy_id))?;
    if !policy.enabled {
        let message = format!("the policy {policy_id} is disabled: enable it first");
        return Err(Error::new(Code::Precondition, message));
    }
    let id = begin(&mut tx, app, &policy, "manual").await?;
    tx.commit().await?;
    Ok(id.0)
}

/// Writes the execution and the job that plans it. The policy is locked: of two that begin at once the second one sees the first.
pub(super) async fn begin(
    conn: &mut PgConnection,
    app: &App,
    policy: &PolicyRow,
    trigger: &str,
) -> Result<ExecutionId> {
    let is_skipped = policy.single_active && store::is_running(conn, policy.id).await?;
    let attributes = match is_skipped {
        true => json!({"failed": true, "status_text": SKIPPED}),
        false => json!({}),
    };
    let id = create(conn, app, policy.id, trigger, attributes).await?;
    if is_skipped {
        execution::end_if_done(conn, &app.clock, id)
            .await
            .map_err(Error::internal)?;
        return Ok(id);
    }
    let job = NewJob {
        execution: Some(id),
        max_attempts: 3,
        ..NewJob::new(jobs::PLAN, &Run { policy: policy.id }).map_err(Error::internal)?
    };
    queue::enqueue(conn, &app.clock, job)
        .await
        .map_err(Error::internal)?;
    Ok(id)
}

/// Writes an execution.
pub(super) async fn create(
    conn: &mut PgConnection,
    app: &App,
    policy_id: i64,
    trigger: &str,
    attributes: Value,
) -> Result<ExecutionId> {
    let new = NewExecution {
        kind: jobs::PLAN.to_owned(),
        subject_id: Some(policy_id),
        trigger: trigger.to_owned(),
        attributes,
    };
    execution::create(conn, &app.clock, new)
        .await
        .map_err(Error::internal)
}

/// Lists runs, newest first unless `up`.
pub(super) async fn executions(
    app: &App,
    ctx: &Context,
    wanted: WantedExecutions,
    (page, up): (&Page, bool),
) -> Result<(Vec<ReplicationExecution>, i64)> {
    let mut conn = app.listing().await?;
    enter(&mut conn, app, ctx, Action::List).await?;
    let total = store::count_executions(&mut conn, &wanted).await?;
    let rows = store::executions(&mut conn, &wanted, up, page.limit(), page.offset()).await?;
    Ok((rows.into_iter().map(wire::execution).collect(), total))
}

/// Reads a run.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<ReplicationExecution> {
    let mut conn = app.pool.acquire().await?;
    enter(&mut conn, app, ctx, Action::Read).await?;
    find(&mut conn, id).await.map(wire::execution)
}

/// Asks a run to end. One that has ended already is no error.
pub(super) async fn stop(app: &App, ctx: &Context, id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    enter(&mut tx, app, ctx, Action::Create).await?;
    let found = find(&mut tx, id).await?;
    queue::request_stop_all(&mut tx, &app.clock, ExecutionId(found.id))
        .await
        .map_err(Error::internal)?;
    tx.commit().await?;
    Ok(())
}

/// Lists a run's tasks, newest first.
pub(super) async fn tasks(
    app: &App,
    ctx: &Context,
    id: i64,
    (status, resource_type): (Option<&str>, Option<&str>),
    page: &Page,
) -> Result<(Vec<ReplicationTask>, i64)> {
    let mut conn = app.listing().await?;
    enter(&mut conn, app, ctx, Action::List).await?;
    find(&mut conn, id).await?;
    let states = status.map(wire::queue_states);
    let filter = (states.as_deref(), resource_type);
    let rows = store::tasks(&mut conn, id, filter, page.limit(), page.offset()).await?;
    let total = match rows.first() {
        Some(row) => row.total,
        // Behind the last page the rows do not say it.
        None if page.offset() > 0 => {
            let first = store::tasks(&mut conn, id, filter, Some(1), 0).await?;
            first.first().map_or(0, |row| row.total)
        }
        None => 0,
    };
    let tasks: Result<Vec<_>> = rows.into_iter().map(|row| wire::task(id, row)).collect();
    Ok((tasks?, total))
}

/// The log of a task.
pub(super) async fn log(app: &App, ctx: &Context, id: i64, task: i64) -> Result<String> {
    let mut conn = app.pool.acquire().await?;
    enter(&mut conn, app, ctx, Action::Read).await?;
    let found = find(&mut conn, id).await?;
    let job = queue::job(&mut conn, JobId(task))
        .await
        .map_err(Error::internal)?;
    if job.is_none_or(|job| job.execution_id != Some(ExecutionId(found.id)) || job.kind != jobs::TASK) {
        return Err(Error::new(
            Code::NotFound,
            format!("replication task {task} not found"),
        ));
    }
    let mut text = String::new();
    let mut after = 0;
    loop {
        let page = queue::log(&mut conn, JobId(task), after, LINES)
            .await
            .map_err(Error::internal)?;
        let Some(last) = page.last() else { return Ok(text) };
        after = last.id;
        for line in page {
            if text.len() + line.line.len() > MOST_BYTES {
                return Ok(text);
            }
            let time = line.logged_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            text.push_str(&format!("{time} [INFO] [replication]: {}\n", line.line));
        }
    }
}

async fn find(conn: &mut PgConnection, id: i64) -> Result<ExecutionRow> {
    let wanted = WantedExecutions {
        id: Some(id),
        ..WantedExecutions::default()
    };
    let found = store::executions(conn, &wanted, false, Some(1), 0).await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| Error::new(Code::NotFound, format!("replication execution {id} not found")))
}

async fn enter(conn: &mut PgConnection, app: &App, ctx: &Context, action: Action) -> Result<()> {
    standing::require_system(conn, app.clock.now(), ctx, Resource::Replication, action).await
}
