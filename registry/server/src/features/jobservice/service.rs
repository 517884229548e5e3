//! Workers, jobs and queues.

use std::collections::BTreeMap;

use slipway_api::{JobQueue, PoolWorker, WorkerPool};
use slipway_jobs::{Job, JobId, Pool, pause, pool, queue};
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::names;
use crate::error::{Code, Error, Result};
use crate::features::chore::log_text;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::paging::unprocessable;
use crate::kernel::standing;

/// Stands for all of them.
const ALL: &str = "all";
/// Jobs that one transaction stops.
const BATCH: i64 = 1000;

/// What may be done to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QueueAction {
    Stop,
    Pause,
    Resume,
}

impl QueueAction {
    /// Reads the word, in any case.
    fn parse(word: &str) -> Result<Self> {
        match word.to_ascii_lowercase().as_str() {
            "stop" => Ok(Self::Stop),
            "pause" => Ok(Self::Pause),
            "resume" => Ok(Self::Resume),
            "" => Err(Error::new(
                Code::BadRequest,
                "action is missing: stop, pause and resume are allowed",
            )),
            other => Err(unprocessable(format!(
                "action in body is {:?} and should be one of [stop pause resume]",
                other.chars().take(64).collect::<String>()
            ))),
        }
    }
}

pub(super) async fn require(conn: &mut PgConnection, app: &App, ctx: &Context, action: Action) -> Result<()> {
    standing::require_system(conn, app.clock.now(), ctx, Resource::JobserviceMonitor, action).await
}

/// The worker processes that are alive.
pub(super) async fn pools(app: &App, ctx: &Context) -> Result<Vec<WorkerPool>> {
    let mut conn = app.pool.acquire().await?;
    require(&mut conn, app, ctx, Action::List).await?;
    let pools = pool::pools(&mut conn).await.map_err(Error::internal)?;
    let shown = pools.into_iter().map(|pool| WorkerPool {
        pid: pool.pid,
        worker_pool_id: pool.name,
        start_at: pool.started_at.into(),
        heartbeat_at: pool.heartbeat_at.into(),
        concurrency: pool.slots,
        host: pool.host,
    });
    Ok(shown.collect())
}

/// The room for jobs in a worker process, or in all of them, and what is at work there.
pub(super) async fn workers(app: &App, ctx: &Context, pool_id: &str) -> Result<Vec<PoolWorker>> {
    let mut conn = app.pool.acquire().await?;
    require(&mut conn, app, ctx, Action::List).await?;
    let pools: Vec<Pool> = pool::pools(&mut conn)
        .await
        .map_err(Error::internal)?
        .into_iter()
        .filter(|pool| pool_id == ALL || pool.name == pool_id)
        .collect();
    if pools.is_empty() && pool_id != ALL {
        let message = format!("worker pool {pool_id:?} not found: it ended, or never was");
        return Err(Error::new(Code::NotFound, message));
    }
    let running = queue::running(&mut conn).await.map_err(Error::internal)?;
    Ok(pools.iter().flat_map(|pool| of_pool(pool, &running)).collect())
}

fn of_pool(pool: &Pool, running: &[Job]) -> Vec<PoolWorker> {
    let mut busy = running
        .iter()
        .filter(|job| job.worker.as_deref() == Some(pool.name.as_str()));
    let worker = |place: i64| {
        let idle = PoolWorker {
            id: format!("{}-{place}", pool.name),
            pool_id: pool.name.clone(),
            ..PoolWorker::default()
        };
        match busy.next() {
            None => idle,
            Some(job) => PoolWorker {
                job_name: names::type_of(&job.kind),
                job_id: job.id.to_string(),
                start_at: job.started_at.map(Into::into),
                ..idle
            },
        }
    };
    (0..pool.slots).map(worker).collect()
}

/// Asks a job to end, or all that run. One that ended or never was is no error, as in Harbor.
pub(super) async fn stop(app: &App, ctx: &Context, job_id: &str) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    require(&mut tx, app, ctx, Action::Stop).await?;
    let stopped = match (job_id, job_id.parse()) {
        (ALL, _) => queue::request_stop_running(&mut tx)
            .await
            .map(|stopped| stopped > 0),
        (_, Ok(id)) => queue::request_stop(&mut tx, &app.clock, JobId(id)).await,
        (_, Err(_)) => Ok(false),
    };
    if stopped.map_err(Error::internal)? {
        tell(&mut tx, app, ctx, job_id, format!("stop job: {job_id}")).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A job's log.
pub(super) async fn log(app: &App, ctx: &Context, job_id: &str) -> Result<String> {
    let mut conn = app.pool.acquire().await?;
    // Logs tell of every project.
    standing::require_administrator(&mut conn, app.clock.now(), ctx).await?;
    let job = match job_id.parse() {
        Ok(id) => queue::job(&mut conn, JobId(id)).await.map_err(Error::internal)?,
        Err(_) => None,
    };
    let job = job.ok_or_else(|| {
        let shown: String = job_id.chars().take(64).collect();
        Error::new(Code::NotFound, format!("job {shown:?} not found"))
    })?;
    log_text(&mut conn, &job).await
}

/// All types of jobs, with what waits of them.
pub(super) async fn queues(app: &App, ctx: &Context) -> Result<Vec<JobQueue>> {
    let mut conn = app.pool.acquire().await?;
    require(&mut conn, app, ctx, Action::List).await?;
    figures(&mut conn, app).await
}

/// The same, for whoever measures.
pub(crate) async fn figures(conn: &mut PgConnection, app: &App) -> Result<Vec<JobQueue>> {
    let counts = queue::counts(conn, &app.clock).await.map_err(Error::internal)?;
    let paused = pause::paused(conn).await.map_err(Error::internal)?;
    let mut queues: BTreeMap<String, JobQueue> = names::types()
        .map(|name| (name.to_owned(), JobQueue::default()))
        .collect();
    for kind in paused {
        queues.entry(names::type_of(&kind)).or_default().paused = true;
    }
    let now = app.clock.now();
    for count in counts.into_iter().filter(|count| count.pending > 0) {
        let queue = queues.entry(names::type_of(&count.kind)).or_default();
        queue.count += count.pending;
        let waited = count.due_since.map_or(0, |since| (now - since).num_seconds());
        queue.latency = queue.latency.max(waited);
    }
    let named = queues
        .into_iter()
        .map(|(job_type, queue)| JobQueue { job_type, ..queue });
    Ok(named.collect())
}

/// Stops what waits in a queue, or begins nothing more of it, or begins again. An unknown queue is no error, as in Harbor.
pub(super) async fn act(app: &App, ctx: &Context, job_type: &str, word: &str) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    require(&mut tx, app, ctx, Action::Stop).await?;
    let action = QueueAction::parse(word)?;
    let mut others = pause::paused(&mut tx).await.map_err(Error::internal)?;
    let counts = queue::counts(&mut tx, &app.clock)
        .await
        .map_err(Error::internal)?;
    others.extend(counts.into_iter().map(|count| count.kind));
    let kinds = names::kinds_of(job_type, &others);
    if kinds.is_empty() {
        return Ok(());
    }
    let done = match action {
        QueueAction::Pause => {
            pause::pause(&mut tx, &app.clock, &kinds)
                .await
                .map_err(Error::internal)?;
            "pause"
        }
        QueueAction::Resume => {
            pause::resume(&mut tx, &kinds).await.map_err(Error::internal)?;
            "resume"
        }
        QueueAction::Stop => "stop what waits in",
    };
    let description = format!("{done} job queue: {}", job_type.to_ascii_uppercase());
    tell(&mut tx, app, ctx, job_type, description).await?;
    tx.commit().await?;
    if action == QueueAction::Stop {
        stop_all_that_waits(app, &kinds).await?;
    }
    Ok(())
}

/// In batches, so that no transaction is long.
async fn stop_all_that_waits(app: &App, kinds: &[String]) -> Result<()> {
    loop {
        let mut tx = app.pool.begin().await?;
        let stopped = queue::stop_waiting(&mut tx, &app.clock, kinds, BATCH)
            .await
            .map_err(Error::internal)?;
        tx.commit().await?;
        if stopped == 0 {
            return Ok(());
        }
    }
}

async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    resource: &str,
    description: String,
) -> Result<()> {
    let entry = AuditEntry {
        project_id: None,
        resource: resource.to_owned(),
        resource_type: "job_queue".to_owned(),
        operation: "update".to_owned(),
        description,
        success: true,
    };
    audit::record(conn, app.clock.now(), ctx, entry).await
}
