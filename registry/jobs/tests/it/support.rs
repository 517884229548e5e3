//! Words for the tests.

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::Value;
use slipway_jobs::{
    Backoff, Clock, Job, JobContext, JobError, JobId, JobSettings, JobState, NewJob, Registry, Worker,
    WorkerSettings, enqueue, queue,
};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The kind that most tests use.
pub(crate) const KIND: &str = "test";

/// Settings of a worker in a hurry.
pub(crate) fn quick() -> WorkerSettings {
    WorkerSettings {
        slots: 8,
        lease: Duration::from_millis(5000),
        heartbeat: Duration::from_millis(300),
        poll: Duration::from_millis(50),
        grace: Duration::from_millis(300),
        keep: None,
        ..WorkerSettings::default()
    }
}

/// Settings of a kind whose failures come back soon.
pub(crate) fn eager() -> JobSettings {
    let backoff = Backoff {
        first: Duration::from_millis(20),
        longest: Duration::from_millis(40),
    };
    JobSettings {
        backoff,
        ..JobSettings::default()
    }
}

/// A registry with one kind, `test`.
pub(crate) fn registry<F, R>(settings: JobSettings, handler: F) -> Registry
where
    F: Fn(JobContext, Value) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), JobError>> + Send + 'static,
{
    let mut registry = Registry::new();
    registry.register(KIND, settings, handler);
    registry
}

/// A worker at work.
pub(crate) struct Working {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

/// Starts a worker.
pub(crate) fn work(pool: &PgPool, registry: Registry, clock: &Clock, settings: WorkerSettings) -> Working {
    let shutdown = CancellationToken::new();
    let worker = Worker::new(pool.clone(), registry, clock.clone(), settings);
    Working {
        task: tokio::spawn(worker.run(shutdown.clone())),
        shutdown,
    }
}

impl Working {
    /// Shuts it down in good order.
    pub(crate) async fn shut_down(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }

    /// Ends it as `kill -9` would: nothing is given back.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Enqueues a job of kind `test` in a transaction of its own.
pub(crate) async fn enqueued(pool: &PgPool, clock: &Clock, edit: impl FnOnce(&mut NewJob)) -> JobId {
    let mut job = NewJob::new(KIND, &Value::Null).unwrap();
    edit(&mut job);
    enqueue(&mut pool.acquire().await.unwrap(), clock, job)
        .await
        .unwrap()
}

/// The job as it stands.
pub(crate) async fn job(pool: &PgPool, id: JobId) -> Job {
    queue::job(&mut pool.acquire().await.unwrap(), id)
        .await
        .unwrap()
        .unwrap()
}

/// Waits until the job stands there; how long it may take is generous, for machines that are busy.
pub(crate) async fn wait_for(pool: &PgPool, id: JobId, state: JobState) -> Job {
    let what = format!("job {id} to be {state:?}");
    eventually(&what, || async {
        let job = job(pool, id).await;
        (job.state == state).then_some(job)
    })
    .await
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T, R>(what: &str, look: impl Fn() -> R) -> T
where
    R: Future<Output = Option<T>>,
{
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(40),
            "waited in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Counts with a query that answers one number.
pub(crate) async fn count(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}
