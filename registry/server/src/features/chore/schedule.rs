//! Schedules of chores, and runs by hand.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use slipway_api::{ExecHistory, Schedule, ScheduleObj};
use slipway_jobs::{
    ExecutionId, ExecutionStatus, JobContext, NewExecution, NewJob, NewSchedule, execution, queue, schedule,
};
use slipway_model::permission::Action;
use slipway_model::policy::harbor_cron;
use sqlx::PgConnection;

use super::history::tell;
use super::{Chore, bad};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::unprocessable;
use crate::kernel::standing;

/// Types that go by the cron expression which the client sends beside them.
const BY_CRON: &[&str] = &["Hourly", "Daily", "Weekly", "Custom", "Schedule"];

/// What a client wants, checked.
#[derive(Debug)]
pub(crate) enum Wish {
    /// One run, now.
    Manual,
    /// Runs by the clock: the client's type and expression.
    Cron(String, String),
    /// No runs by the clock.
    Never,
}

/// The payload of a schedule and of the job that it enqueues.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Due {
    /// The client's word: `Daily`, for instance.
    #[serde(rename = "type")]
    kind: String,
    parameters: Map<String, Value>,
}

impl Wish {
    /// Reads what a client sent.
    pub(crate) fn of(wanted: &Schedule) -> Result<Self> {
        let Some(wanted) = &wanted.schedule else {
            return Err(bad(
                "schedule is missing: send its type, and a cron expression where it has one",
            ));
        };
        match wanted.kind.as_str() {
            "Manual" => Ok(Self::Manual),
            "None" => Ok(Self::Never),
            kind if BY_CRON.contains(&kind) => {
                let cron = harbor_cron(&wanted.cron)
                    .map_err(|problem| bad(format!("schedule.cron of type {kind}: {problem}")))?;
                Ok(Self::Cron(kind.to_owned(), cron))
            }
            "" => Err(bad(
                "schedule.type is missing: Hourly, Daily, Weekly, Custom, Schedule, Manual and None are allowed",
            )),
            other => Err(unprocessable(format!(
                "schedule.type in body is {:?} and should be one of [Hourly Daily Weekly Custom Manual None Schedule]",
                other.chars().take(64).collect::<String>()
            ))),
        }
    }
}

/// The schedule, if there is one.
pub(crate) async fn scheduled(app: &App, ctx: &Context, chore: &Chore) -> Result<Option<ExecHistory>> {
    let mut conn = app.pool.acquire().await?;
    standing::require_system(&mut conn, app.clock.now(), ctx, chore.resource, Action::Read).await?;
    let found = schedule::find(&mut conn, chore.kind)
        .await
        .map_err(Error::internal)?;
    let Some(found) = found else { return Ok(None) };
    let due: Due = serde_json::from_value(found.payload).map_err(Error::internal)?;
    Ok(Some(ExecHistory {
        id: found.id.0,
        job_kind: found.cron.clone(),
        job_parameters: Value::Object(due.parameters).to_string(),
        schedule: ScheduleObj {
            kind: due.kind,
            cron: found.cron,
            next_scheduled_time: found.next_fire_at.into(),
        },
        job_status: "Running".to_owned(),
        creation_time: found.created_at.into(),
        update_time: found.updated_at.into(),
        ..ExecHistory::default()
    }))
}

/// Does what the client wants with these parameters, and answers the id of the run that it started, or 0.
pub(crate) async fn put(
    app: &App,
    ctx: &Context,
    chore: &Chore,
    action: Action,
    wanted: impl FnOnce() -> Result<(Wish, Map<String, Value>)>,
) -> Result<i64> {
    let mut tx = app.pool.begin().await?;
    standing::require_system(&mut tx, app.clock.now(), ctx, chore.resource, action).await?;
    let (wish, parameters) = wanted()?;
    let shown = Value::Object(parameters.clone());
    let mut started = 0;
    let (operation, told) = match wish {
        Wish::Manual => {
            started = begin(&mut tx, app, chore, "manual", parameters).await?.0;
            ("create", format!("start {} {started}: {shown}", chore.title))
        }
        Wish::Never => {
            schedule::remove(&mut tx, chore.kind)
                .await
                .map_err(Error::internal)?;
            ("update", format!("end the schedule of {}", chore.title))
        }
        Wish::Cron(kind, cron) => {
            let told = format!("schedule {}: {kind} {cron:?} {shown}", chore.title);
            let due = Due { kind, parameters };
            let wanted = NewSchedule {
                name: chore.kind.to_owned(),
                cron,
                time_zone: "UTC".to_owned(),
                kind: chore.due.to_owned(),
                payload: serde_json::to_value(due).map_err(Error::internal)?,
                priority: 0,
                max_attempts: 3,
                enabled: true,
            };
            schedule::put(&mut tx, &app.clock, &wanted)
                .await
                .map_err(Error::internal)?;
            ("update", told)
        }
    };
    tell(&mut tx, app, ctx, chore, operation, told).await?;
    tx.commit().await?;
    Ok(started)
}

/// Writes the execution and its job.
async fn begin(
    conn: &mut PgConnection,
    app: &App,
    chore: &Chore,
    trigger: &str,
    parameters: Map<String, Value>,
) -> Result<ExecutionId> {
    let parameters = Value::Object(parameters);
    let new = NewExecution {
        kind: chore.kind.to_owned(),
        subject_id: None,
        trigger: trigger.to_owned(),
        attributes: parameters.clone(),
    };
    let id = execution::create(conn, &app.clock, new)
        .await
        .map_err(Error::internal)?;
    let job = NewJob {
        execution: Some(id),
        // A run that could not do all of it says so; the next one goes on.
        max_attempts: 1,
        ..NewJob::new(chore.kind, &parameters).map_err(Error::internal)?
    };
    queue::enqueue(conn, &app.clock, job)
        .await
        .map_err(Error::internal)?;
    Ok(id)
}

/// Starts the run whose time has come, unless the one before goes on.
pub(super) async fn begin_due(app: &App, chore: &Chore, context: &JobContext, due: Due) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let newest = execution::executions(&mut tx, chore.kind, None, None, 1)
        .await
        .map_err(Error::internal)?;
    if newest
        .first()
        .is_some_and(|newest| newest.status() == ExecutionStatus::Running)
    {
        context.log("skipped: the run before goes on");
        return Ok(());
    }
    let id = begin(&mut tx, app, chore, "schedule", due.parameters).await?;
    tx.commit().await?;
    context.log(format!("started execution {id}"));
    Ok(())
}
