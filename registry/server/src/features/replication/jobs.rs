//! The jobs of a run.

use metrics::counter;
use slipway_jobs::{JobContext, JobError, JobId, JobSettings, Registry, queue};

use super::fault::Fault;
use super::order::{Operation, Run, Task};
use super::{copy, plan, remove, run, store};
use crate::error::{Error, Result};
use crate::kernel::app::App;

/// Lists what a policy takes, and begins the tasks.
pub(super) const PLAN: &str = "replication";
/// Does the work in one repository.
pub(super) const TASK: &str = "replication_task";
/// Starts a run when its time has come.
pub(super) const DUE: &str = "replication_due";

/// Tasks at once over all workers.
const TASKS_AT_ONCE: u32 = 8;
/// Plans at once over all workers.
const PLANS_AT_ONCE: u32 = 4;

/// Registers the handlers with a worker.
pub(crate) fn register(registry: &mut Registry, app: &App) {
    let settings = |concurrency| JobSettings {
        concurrency: Some(concurrency),
        ..JobSettings::default()
    };
    let of_plan = app.clone();
    registry.register(
        PLAN,
        settings(PLANS_AT_ONCE),
        move |context: JobContext, run: Run| {
            let app = of_plan.clone();
            async move { unless_stopped(&context, plan::plan(&app, &context, run.policy)).await }
        },
    );
    let of_task = app.clone();
    registry.register(
        TASK,
        settings(TASKS_AT_ONCE),
        move |context: JobContext, task: Task| {
            let app = of_task.clone();
            async move {
                let outcome = unless_stopped(&context, work(&app, &context, &task)).await;
                let result = if outcome.is_ok() { "success" } else { "failure" };
                let operation = task.operation.word();
                counter!("slipway_replication_tasks_total", "operation" => operation, "result" => result)
                    .increment(1);
                outcome
            }
        },
    );
    let of_due = app.clone();
    registry.register(
        DUE,
        settings(PLANS_AT_ONCE),
        move |context: JobContext, run: Run| {
            let app = of_due.clone();
            async move { begin(&app, &context, run.policy).await.map_err(failed) }
        },
    );
}

/// Does the work, and drops it with all its connections at the moment in which it is to end.
async fn unless_stopped(
    context: &JobContext,
    work: impl Future<Output = Result<(), JobError>>,
) -> Result<(), JobError> {
    tokio::select! {
        outcome = work => outcome,
        () = context.cancelled() => {
            context.log("asked to end");
            Err(JobError::retry("asked to end"))
        }
    }
}

async fn begin(app: &App, context: &JobContext, policy_id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let Some(policy) = store::lock(&mut tx, policy_id)
        .await?
        .filter(|policy| policy.enabled)
    else {
        context.log(format!("the policy {policy_id} is gone or disabled"));
        return Ok(());
    };
    if !policy.single_active && store::is_running(&mut tx, policy_id).await? {
        context.log("skipped: the run before goes on");
        return Ok(());
    }
    let id = run::begin(&mut tx, app, &policy, "schedule").await?;
    tx.commit().await?;
    context.log(format!("started execution {id}"));
    Ok(())
}

async fn work(app: &App, context: &JobContext, task: &Task) -> Result<(), JobError> {
    if let Some(run) = task.run {
        let mut conn = app.pool.acquire().await?;
        let run = queue::job(&mut conn, JobId(run)).await?;
        if run.is_some_and(|run| run.stop_requested) {
            context.log("stopped before it began");
            queue::request_stop(&mut conn, &app.clock, context.id()).await?;
            return Err(JobError::retry("asked to end"));
        }
    }
    match task.operation {
        Operation::Copy => copy::run(app, context, task).await,
        Operation::Deletion | Operation::TagDeletion => remove::run(app, context, task).await,
    }
}

/// What the faults of a task come to: it is tried again where that may help.
pub(super) fn outcome(mut faults: Vec<Fault>, all: usize) -> Result<(), JobError> {
    faults.sort_by_key(|fault| !fault.is_passing());
    let many = faults.len();
    match faults.into_iter().next() {
        None => Ok(()),
        Some(fault) if many == 1 && all == 1 => Err(fault.into()),
        Some(fault) => Err(fault.among(many, all).into()),
    }
}

/// Notes what there is to say about the run that a job belongs to.
pub(super) async fn note(app: &App, context: &JobContext, text: &str) -> Result<(), JobError> {
    let Some(execution) = context.execution() else {
        return Ok(());
    };
    let mut conn = app.pool.acquire().await?;
    store::set_status_text(&mut conn, execution.0, text)
        .await
        .map_err(failed)
}

pub(super) fn failed(error: Error) -> JobError {
    JobError::retry(error.explained())
}
