//! The jobs of a run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use slipway_jobs::{JobContext, JobError, JobId, JobSettings, NewJob, Registry, queue};
use slipway_model::policy::retention::{Guard, Mode, Reason, Tally};

use super::evaluate::{Judge, Judged};
use super::order::Order;
use super::remove::{self, Site};
use super::{run, service, store};
use crate::error::{Error, Result};
use crate::kernel::app::App;

/// Looks at all repositories, asks the guard, and begins the work in each.
pub(super) const RUN: &str = "retention";
/// Does the work in one repository.
pub(super) const REPOSITORY: &str = "retention_repository";
/// Starts a run when its time has come.
pub(super) const DUE: &str = "retention_due";

/// Jobs of each kind at once over all workers: many policies that begin at the same moment must not take the database away
/// from pulls.
const AT_ONCE: u32 = 2;

/// Artifacts that the log tells of before it waits.
const LINES_AT_ONCE: usize = 4000;
/// Longer than the queue takes to write lines.
const PAUSE: Duration = Duration::from_millis(1200);

/// What the work in one repository needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Part {
    repository_id: i64,
    path: String,
    /// The job whose payload is the order.
    run: i64,
}

/// The payload of a schedule.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Due {
    policy: i64,
}

/// Registers the handlers with a worker.
pub(crate) fn register(registry: &mut Registry, app: &App) {
    let settings = || JobSettings {
        concurrency: Some(AT_ONCE),
        timeout: Duration::from_secs(6 * 3600),
        ..JobSettings::default()
    };
    let of_run = app.clone();
    registry.register(RUN, settings(), move |context: JobContext, order: Order| {
        let app = of_run.clone();
        async move { look(&app, &context, order).await }
    });
    let of_repository = app.clone();
    registry.register(REPOSITORY, settings(), move |context: JobContext, part: Part| {
        let app = of_repository.clone();
        async move { work(&app, &context, part).await }
    });
    let of_due = app.clone();
    registry.register(DUE, settings(), move |context: JobContext, due: Due| {
        let app = of_due.clone();
        async move { begin(&app, &context, due.policy).await.map_err(failed) }
    });
}

async fn begin(app: &App, context: &JobContext, policy_id: i64) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let Some(row) = store::find(&mut tx, Some(policy_id), None).await? else {
        context.log(format!("the policy {policy_id} is gone"));
        return Ok(());
    };
    if run::is_running(&mut tx, policy_id).await? {
        context.log("skipped: the run before goes on");
        return Ok(());
    }
    let dry_run = row.dry_run;
    let order = service::order(app, row, "retention", dry_run)?;
    let id = run::begin(&mut tx, app, &order, "schedule").await?;
    tx.commit().await?;
    context.log(format!("started execution {id}"));
    Ok(())
}

/// Looks at all repositories, asks the guard, and begins the work in each.
async fn look(app: &App, context: &JobContext, order: Order) -> Result<(), JobError> {
    let parts = {
        let mut conn = app.pool.acquire().await?;
        let judge = Judge::new(&mut conn, &order).await.map_err(failed)?;
        let repositories = judge.repositories(&mut conn, None).await.map_err(failed)?;
        drop(conn);
        let guard = Guard::new(order.max_delete).map_err(JobError::fatal)?;
        // Whoever may delete everything need not be counted.
        if guard.percent() < 100 && !order.dry_run {
            let mut tally = Tally::default();
            for (row, path) in &repositories {
                if context.token().is_cancelled() {
                    return Err(cut_off());
                }
                tally += judge
                    .judge(app, row.id, path)
                    .await
                    .map_err(failed)?
                    .decision
                    .tally;
            }
            guard.check(tally).map_err(|problem| {
                context.log(problem);
                context.progress(run::stopped_by_guard(tally));
                JobError::fatal(problem)
            })?;
        }
        repositories
    };
    if parts.is_empty() {
        context.log("no resources for retention");
        return Ok(());
    }
    let mut tx = app.pool.begin().await?;
    let Some(execution) = context.execution() else {
        return Err(JobError::fatal("a run without an execution"));
    };
    // A worker that was lost after it had committed did the rest already.
    let later = queue::jobs_of(&mut tx, execution, Some(context.id()), 1).await?;
    if !later.is_empty() {
        return Ok(());
    }
    for (row, path) in parts {
        let part = Part {
            repository_id: row.id,
            path,
            run: context.id().0,
        };
        let job = NewJob {
            execution: Some(execution),
            // Two runs at once take turns in a repository.
            exclusive_key: Some(row.id.to_string()),
            max_attempts: 3,
            ..NewJob::new(REPOSITORY, &part)?
        };
        queue::enqueue(&mut tx, &app.clock, job).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Decides on one repository and removes what goes.
async fn work(app: &App, context: &JobContext, part: Part) -> Result<(), JobError> {
    let mut conn = app.pool.acquire().await?;
    let run = queue::job(&mut conn, JobId(part.run)).await?;
    let run = run.ok_or_else(|| JobError::fatal("the run that this belongs to is gone"))?;
    if run.stop_requested {
        context.log("stopped before it began");
        queue::request_stop(&mut conn, &app.clock, context.id()).await?;
        return Err(cut_off());
    }
    let order: Order = serde_json::from_value(run.payload).map_err(JobError::fatal)?;
    let judge = Judge::new(&mut conn, &order).await.map_err(failed)?;
    drop(conn);
    context.log("Run retention process.");
    context.log(format!("Repository: {}/{}", order.project, part.path));
    context.log("Rule Algorithm: or");
    context.log(format!("Dry Run: {}", order.dry_run));
    let judged = judge
        .judge(app, part.repository_id, &part.path)
        .await
        .map_err(failed)?;
    let tally = judged.decision.tally;
    context.log(format!(
        "Load {} candidates from repository {}/{}",
        tally.total, order.project, part.path
    ));
    let going = if order.dry_run {
        tally.going
    } else {
        let site = Site {
            order: &order,
            repository_id: part.repository_id,
            path: &part.path,
            cause: format!("retention policy {}", order.policy_id),
        };
        remove::remove(app, context, &site, &judged)
            .await
            .map_err(failed)?
    };
    context.progress(run::progress(tally.total, tally.total.saturating_sub(going)));
    if context.token().is_cancelled() {
        return Err(cut_off());
    }
    table(context, order.mode.into(), &judged).await;
    Ok(())
}

/// What was decided, as Harbor's logs show it.
async fn table(context: &JobContext, mode: Mode, judged: &Judged) {
    context.log("| Digest | Tag | Kind | Labels | PushedTime | PulledTime | CreatedTime | Retention |");
    context.log("|---|---|---|---|---|---|---|---|");
    let candidates = judged.rows.iter().zip(&judged.decision.verdicts);
    for (place, (row, verdict)) in candidates.filter(|(_, verdict)| verdict.is_candidate).enumerate() {
        // The queue drops lines that come faster than it writes them.
        if place % LINES_AT_ONCE == LINES_AT_ONCE - 1 {
            tokio::time::sleep(PAUSE).await;
        }
        let time = |time: chrono::DateTime<chrono::Utc>| time.format("%Y/%m/%d %H:%M:%S").to_string();
        let pushed = time(row.push_time);
        let pulled = row.pull_time.map(time).unwrap_or_default();
        let line = |tags: &str, reason: Reason| {
            let digest = &row.digest;
            let word = match reason {
                Reason::Immutable(_) => "IMMUTABLE",
                reason if reason.stays() => "RETAIN",
                _ => "DEL",
            };
            context.log(format!(
                "| {digest} | {tags} | image | | {pushed} | {pulled} | {pushed} | {word} |"
            ));
        };
        if mode == Mode::Tag && !row.tags.is_empty() {
            for (tag, reason) in row.tags.iter().zip(&verdict.tags) {
                line(tag, *reason);
            }
        } else {
            line(&row.tags.join(","), verdict.reason);
        }
    }
}

/// The job is to end before it is done; the queue knows why.
fn cut_off() -> JobError {
    JobError::retry("asked to end")
}

fn failed(error: Error) -> JobError {
    JobError::retry(format!("{error:?}"))
}
