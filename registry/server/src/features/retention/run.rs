//! Runs: started, listed, stopped, read.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use slipway_api::{RetentionExecution, RetentionExecutionTask, RetentionStart};
use slipway_jobs::{
    Execution, ExecutionId, ExecutionStatus, Job, JobId, JobState, NewExecution, NewJob, execution, queue,
};
use slipway_model::permission::Action;
use slipway_model::policy::retention::Tally;
use sqlx::PgConnection;

use super::order::{Order, bad};
use super::{jobs, service};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Executions of a policy that can be seen.
const MOST_EXECUTIONS: i64 = 1000;
/// Rows that one statement reads.
const PAGE: i64 = 1000;
/// Most bytes of a log that are answered.
const MOST_BYTES: usize = 10 << 20;
/// The share that no guard stops, in percent.
const EVERYTHING: i64 = 100;
/// Harbor's "never".
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Starts a run by hand and returns its id.
pub(super) async fn start(app: &App, ctx: &Context, policy_id: i64, wanted: RetentionStart) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    let (_, row) = service::enter(&mut tx, app, ctx, policy_id, Action::Update).await??;
    let mut order = service::order(app, row, ctx.caller.name(), wanted.dry_run)?;
    if wanted.approved {
        order.max_delete = EVERYTHING;
    }
    let id = begin(&mut tx, app, &order, "manual").await?;
    tx.commit().await?;
    Ok(id.0)
}

/// Writes the execution and the job that it begins with.
pub(super) async fn begin(
    conn: &mut PgConnection,
    app: &App,
    order: &Order,
    trigger: &str,
) -> Result<ExecutionId> {
    let new = NewExecution {
        kind: jobs::RUN.to_owned(),
        subject_id: Some(order.policy_id),
        trigger: trigger.to_owned(),
        attributes: json!({"dry_run": order.dry_run}),
    };
    let id = execution::create(conn, &app.clock, new)
        .await
        .map_err(Error::internal)?;
    let job = NewJob {
        execution: Some(id),
        max_attempts: 3,
        ..NewJob::new(jobs::RUN, order).map_err(Error::internal)?
    };
    queue::enqueue(conn, &app.clock, job)
        .await
        .map_err(Error::internal)?;
    Ok(id)
}

/// Does a run of the policy go on?
pub(super) async fn is_running(conn: &mut PgConnection, policy_id: i64) -> Result<bool> {
    let newest = execution::executions(conn, jobs::RUN, Some(policy_id), None, 1)
        .await
        .map_err(Error::internal)?;
    Ok(newest
        .first()
        .is_some_and(|newest| newest.status() == ExecutionStatus::Running))
}

/// A policy's runs, newest first.
pub(super) async fn executions(app: &App, ctx: &Context, policy_id: i64) -> Result<Vec<RetentionExecution>> {
    let mut conn = app.pool.acquire().await?;
    service::enter(&mut conn, app, ctx, policy_id, Action::List).await??;
    let found = execution::executions(&mut conn, jobs::RUN, Some(policy_id), None, MOST_EXECUTIONS)
        .await
        .map_err(Error::internal)?;
    Ok(found.iter().map(|found| shown(policy_id, found)).collect())
}

/// Asks a run to end. One that has ended already is no error, as in Harbor.
pub(super) async fn operate(app: &App, ctx: &Context, policy_id: i64, id: i64, action: &str) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let found = find(&mut tx, app, ctx, (policy_id, id), Action::Update).await?;
    if action != "stop" {
        return Err(bad("action should be 'stop'"));
    }
    queue::request_stop_all(&mut tx, &app.clock, found.id)
        .await
        .map_err(Error::internal)?;
    tx.commit().await?;
    Ok(())
}

/// A run's work by repository, newest first.
pub(super) async fn tasks(
    app: &App,
    ctx: &Context,
    policy_id: i64,
    id: i64,
) -> Result<Vec<RetentionExecutionTask>> {
    let mut conn = app.pool.acquire().await?;
    let found = find(&mut conn, app, ctx, (policy_id, id), Action::List).await?;
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let page = queue::jobs_of(&mut conn, found.id, after, PAGE)
            .await
            .map_err(Error::internal)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        tasks.extend(page.iter().filter(|job| is_shown(job)).map(|job| task(id, job)));
    }
    tasks.reverse();
    Ok(tasks)
}

/// The log of a run's work in one repository.
pub(super) async fn log(app: &App, ctx: &Context, policy_id: i64, id: i64, task: i64) -> Result<String> {
    let mut conn = app.pool.acquire().await?;
    let found = find(&mut conn, app, ctx, (policy_id, id), Action::Read).await?;
    let job = queue::job(&mut conn, JobId(task))
        .await
        .map_err(Error::internal)?;
    if job.is_none_or(|job| job.execution_id != Some(found.id) || !is_shown(&job)) {
        return Err(Error::new(Code::NotFound, format!("task {task} not found")));
    }
    let mut text = String::new();
    let mut after = 0;
    loop {
        let page = queue::log(&mut conn, JobId(task), after, PAGE)
            .await
            .map_err(Error::internal)?;
        let Some(last) = page.last() else { return Ok(text) };
        after = last.id;
        for line in page {
            if text.len() + line.line.len() > MOST_BYTES {
                return Ok(text);
            }
            if !line.line.starts_with('|') {
                text.push_str(&time(line.logged_at));
                text.push_str(" [INFO] [retention]: ");
            }
            text.push_str(&line.line);
            text.push('\n');
        }
    }
}

/// The run, if it is one of this policy and the caller may do this.
async fn find(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    (policy_id, id): (i64, i64),
    action: Action,
) -> Result<Execution> {
    service::enter(conn, app, ctx, policy_id, action).await??;
    let found = execution::execution(conn, ExecutionId(id))
        .await
        .map_err(Error::internal)?;
    found
        .filter(|found| found.kind == jobs::RUN && found.subject_id == Some(policy_id))
        .ok_or_else(|| Error::new(Code::NotFound, format!("execution {id} not found")))
}

fn shown(policy_id: i64, found: &Execution) -> RetentionExecution {
    RetentionExecution {
        id: found.id.0,
        policy_id,
        start_time: found.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        end_time: found.ended_at.map_or_else(|| NEVER.to_owned(), time),
        status: word(found.status()).to_owned(),
        // Harbor's words.
        trigger: match found.trigger.as_str() {
            "schedule" => "Schedule",
            _ => "MANUAL",
        }
        .to_owned(),
        dry_run: found.attributes["dry_run"] == true,
    }
}

/// Harbor's word for where a run stands.
pub(super) fn word(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Running => "Running",
        ExecutionStatus::Success => "Success",
        ExecutionStatus::Error => "Error",
        ExecutionStatus::Stopped => "Stopped",
    }
}

/// A repository's job is a task; the job that looks at all of them is one only where it failed, so that its log can be read.
fn is_shown(job: &Job) -> bool {
    job.kind == jobs::REPOSITORY || job.state == JobState::Error
}

fn task(execution_id: i64, job: &Job) -> RetentionExecutionTask {
    let (status, status_code) = match job.state {
        JobState::Pending => ("Pending", 0),
        JobState::Running => ("Running", 2),
        JobState::Success => ("Success", 3),
        JobState::Error => ("Error", 3),
        JobState::Stopped => ("Stopped", 3),
    };
    let number = |name: &str| {
        let progress = job.progress.as_ref().and_then(|progress| progress[name].as_i64());
        progress.unwrap_or_default()
    };
    RetentionExecutionTask {
        id: job.id.0,
        execution_id,
        repository: job.payload["path"].as_str().unwrap_or_default().to_owned(),
        job_id: job.id.to_string(),
        status: status.to_owned(),
        status_code,
        start_time: job.started_at.map_or_else(|| NEVER.to_owned(), time),
        end_time: job.ended_at.map_or_else(|| NEVER.to_owned(), time),
        total: number("total"),
        retained: number("retained"),
    }
}

/// What a job reports when its repository is done.
pub(super) fn progress(total: u64, retained: u64) -> Value {
    json!({"total": total, "retained": retained})
}

/// What the look at all repositories reports when the guard stops the run: nothing is deleted.
pub(super) fn stopped_by_guard(tally: Tally) -> Value {
    json!({"total": tally.total, "retained": tally.total, "stopped_by_guard": true})
}

/// A moment in seconds.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
