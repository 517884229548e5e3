//! Workers: any number of them, in any number of processes, share the queue.
//!
//! A worker is a handful of tasks: the main loop claims jobs and starts a runner for each; the keeper renews leases, hears
//! of stops and takes back what other workers lost; the listener waits for `NOTIFY`; the timer fires schedules and sweeps.

mod claim;
mod keeper;
mod listener;
mod runner;
mod timer;

pub(crate) use claim::interval;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Clock;
use crate::context::{CancelReason, Run, lock};
use crate::pool;
use crate::registry::Registry;

/// How a worker behaves. The defaults keep two promises: a job whose worker died runs again within 30 seconds
/// (`lease` + `heartbeat` + `poll`), and a stopped one ends within 10 (`heartbeat` + `grace`, even if no `NOTIFY` arrives).
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// What the jobs show as their worker; a host name and a process id, for instance.
    pub name: String,
    /// The machine that it runs on, for people.
    pub host: String,
    /// How many jobs run here at once.
    pub slots: usize,
    /// How long a job is held without a sign of life.
    pub lease: Duration,
    /// Time between two signs of life.
    pub heartbeat: Duration,
    /// Longest time between two looks into the queue.
    pub poll: Duration,
    /// How long a handler that shall end may take before it is dropped.
    pub grace: Duration,
    /// How long ended jobs and executions are kept; `None` for ever.
    pub keep: Option<TimeDelta>,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            name: format!("worker-{}", Uuid::new_v4().simple()),
            host: std::fs::read_to_string("/proc/sys/kernel/hostname")
                .map(|name| name.trim().to_owned())
                .unwrap_or_default(),
            slots: 16,
            lease: Duration::from_secs(20),
            heartbeat: Duration::from_secs(4),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(4),
            keep: Some(TimeDelta::days(90)),
        }
    }
}

/// Runs jobs. See the module's description.
pub struct Worker {
    shared: Arc<Shared>,
}

/// What the tasks of a worker share.
struct Shared {
    pool: PgPool,
    registry: Registry,
    clock: Clock,
    settings: WorkerSettings,
    /// What runs here, by lease token.
    runs: Mutex<HashMap<Uuid, Arc<Run>>>,
    /// There may be something to claim.
    work: Notify,
    /// There may be something to stop.
    stops: Notify,
}

impl Worker {
    /// A worker for the kinds in `registry`. It needs about three connections of the pool beside those of its handlers.
    pub fn new(pool: PgPool, registry: Registry, clock: Clock, settings: WorkerSettings) -> Self {
        let (work, stops) = (Notify::new(), Notify::new());
        Self {
            shared: Arc::new(Shared {
                pool,
                registry,
                clock,
                settings,
                runs: Mutex::default(),
                work,
                stops,
            }),
        }
    }

    /// Works until `shutdown` is cancelled; then handlers are asked to end, and what does not end in time is given back to
    /// run elsewhere. Dropping this future drops every handler at once: their jobs run again when their leases are over.
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = self.shared;
        let mut helpers = JoinSet::new();
        helpers.spawn(listener::listen(Arc::clone(&shared)));
        helpers.spawn(keeper::keep(Arc::clone(&shared)));
        helpers.spawn(timer::tick(Arc::clone(&shared)));
        let mut runners = JoinSet::new();
        loop {
            start_what_is_due(&shared, &mut runners).await;
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = shared.work.notified() => {}
                () = tokio::time::sleep(shared.settings.poll) => {}
                Some(ended) = runners.join_next() => report(ended),
            }
        }
        for run in lock(&shared.runs).values() {
            run.cancel(CancelReason::Shutdown);
        }
        while let Some(ended) = runners.join_next().await {
            report(ended);
        }
        helpers.shutdown().await;
        if let Err(error) = pool::gone(&shared.pool, &shared.settings.name).await {
            tracing::debug!(%error, "the worker is shown for a few seconds more than it lives");
        }
    }
}

async fn start_what_is_due(shared: &Arc<Shared>, runners: &mut JoinSet<()>) {
    while let Some(ended) = runners.try_join_next() {
        report(ended);
    }
    let free = shared.settings.slots.saturating_sub(runners.len());
    if free == 0 {
        return;
    }
    match claim::claim(shared, free).await {
        Ok(claimed) => {
            for job in claimed {
                let run = shared.admit(&job);
                runners.spawn(runner::run(Arc::clone(shared), job, run));
            }
        }
        Err(error) => tracing::warn!(%error, "no jobs could be claimed"),
    }
}

/// Runners do not panic; handlers may, and that is caught where they run.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a job's runner ended without a result; the job runs again when its lease is over");
    }
}

impl Shared {
    /// Makes a claimed job known to the keeper.
    fn admit(&self, job: &claim::Claimed) -> Arc<Run> {
        let run = Arc::new(Run {
            id: job.id,
            execution: job.execution_id,
            kind: job.kind.clone(),
            attempt: job.attempt,
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            token: CancellationToken::new(),
            reason: Mutex::default(),
            output: Mutex::default(),
        });
        lock(&self.runs).insert(job.token, Arc::clone(&run));
        run
    }
}
