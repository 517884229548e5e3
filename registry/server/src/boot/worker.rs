//! `worker`: does the work that nobody waits for.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use slipway_jobs::{Registry, Worker, WorkerSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::listen::Listener;
use super::{assemble, blobs, database, shutdown};
use crate::config::Config;
use crate::distribution::garbage;
use crate::features::{gc, jobservice, purge, registry, replication, retention, robot};
use crate::kernel::app::App;
use crate::router;

/// How long the database may be away while the schedules are stored.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs until it is asked to end.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let signals = shutdown::Signals::install()?;
    let metrics = match config.metrics_listen {
        Some(address) => Some(Listener::bind(address).await?),
        None => None,
    };
    let start = async {
        let pool = database::connect(&config.database).await?;
        database::check_schema(&pool).await?;
        let blobs = blobs::open(&config, &pool).await?;
        let key = match &config.token.signing_key {
            Some(_) => Some(assemble::signing_key(&config)?),
            None => None,
        };
        assemble::app(config, pool, blobs, key.as_ref())
    };
    let Some(app) = signals.unless_asked(start).await? else {
        return Ok(());
    };
    let stop = CancellationToken::new();
    let side = metrics.map(|listener| {
        tokio::spawn(listener.run(
            router::build_metrics(app.clone()),
            stop.clone(),
            app.config.idle_timeout,
            Duration::ZERO,
        ))
    });
    let Some(work) = signals.unless_asked(Running::start(&app)).await? else {
        return Ok(());
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "working");
    signals.wait().await;
    app.ready.drain();
    work.stop().await;
    stop.cancel();
    if let Some(side) = side {
        side.await.ok();
    }
    app.pool.close().await;
    Ok(())
}

/// The jobs of this process.
pub(super) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
    events: JoinHandle<()>,
}

impl Running {
    /// Registers every kind of job and begins to take some.
    pub(super) async fn start(app: &App) -> anyhow::Result<Self> {
        let mut kinds = Registry::new();
        garbage::jobs::register(&mut kinds, app);
        gc::register(&mut kinds, app);
        jobservice::register(&mut kinds, app);
        purge::register(&mut kinds, app);
        registry::register(&mut kinds, app);
        replication::register(&mut kinds, app);
        retention::register(&mut kinds, app);
        robot::register(&mut kinds, app);
        put_schedules(app).await?;
        let worker = Worker::new(
            app.pool.clone(),
            kinds,
            app.clock.clone(),
            WorkerSettings::default(),
        );
        let stop = CancellationToken::new();
        let task = tokio::spawn(worker.run(stop.clone()));
        let events = tokio::spawn(replication::consume(app.clone(), stop.clone()));
        Ok(Self { stop, task, events })
    }

    /// Takes no more jobs, and gives the running ones back.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        for ended in [self.task.await, self.events.await] {
            if let Err(error) = ended {
                tracing::error!(%error, "the worker ended badly");
            }
        }
    }
}

/// Stores the schedules; a database that goes away just then is waited for, because we may be taken for ready already.
async fn put_schedules(app: &App) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        let put = async {
            garbage::jobs::put_schedules(app).await?;
            jobservice::put_schedules(app).await?;
            registry::put_schedules(app).await?;
            robot::put_schedules(app).await
        };
        let Err(error) = put.await else {
            return Ok(());
        };
        if start.elapsed() >= PATIENCE {
            return Err(anyhow::anyhow!("{error:?}")).context("cannot store the schedules");
        }
        tracing::warn!(?error, "the schedules cannot be stored yet");
        tokio::time::sleep(PAUSE).await;
    }
}
