//! Stop stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use slipway_jobs::{
    CancelReason, Clock, JobContext, JobError, JobSettings, JobState, Registry, WorkerSettings,
};
use slipway_jobs::{request_stop, retry};
use sqlx::PgPool;

use super::support::*;

#[sqlx::test(migrations = "../server/migrations")]
async fn a_waiting_job_is_stopped_at_once(pool: PgPool) {
    let clock = Clock::system();
    let id = enqueued(&pool, &clock, |_| {}).await;
    let mut conn = pool.acquire().await.unwrap();
    assert!(request_stop(&mut conn, &clock, id).await.unwrap());
    assert_eq!(job(&pool, id).await.state, JobState::Stopped);
    assert!(
        !request_stop(&mut conn, &clock, id).await.unwrap(),
        "nothing to stop"
    );
    let worker = work(
        &pool,
        registry(JobSettings::default(), |_, _| async { Ok(()) }),
        &clock,
        quick(),
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(job(&pool, id).await.attempt, 0);
    assert!(retry(&mut conn, &clock, id).await.unwrap());
    wait_for(&pool, id, JobState::Success).await;
    worker.shut_down().await;
}

/// Sets its flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_running_job_is_stopped_whether_it_listens_or_not(pool: PgPool) {
    let clock = Clock::system();
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let mut registry = Registry::new();
    registry.register(
        "polite",
        JobSettings::default(),
        |context: JobContext, (): ()| async move {
            context.cancelled().await;
            assert_eq!(context.cancel_reason(), Some(CancelReason::Stopped));
            Err(JobError::retry("stopped in the middle"))
        },
    );
    registry.register("deaf", JobSettings::default(), move |_, (): ()| {
        let dropped = Dropped(Arc::clone(&flag));
        async move {
            let _dropped = dropped;
            std::future::pending().await
        }
    });
    // Heartbeats are so far apart that the stop has to come by NOTIFY.
    let heartbeat = Duration::from_secs(600);
    let settings = WorkerSettings {
        lease: 3 * heartbeat,
        heartbeat,
        ..quick()
    };
    let worker = work(&pool, registry, &clock, settings);
    for kind in ["polite", "deaf"] {
        let id = enqueued(&pool, &clock, |job| job.kind = kind.into()).await;
        wait_for(&pool, id, JobState::Running).await;
        let begin = Instant::now();
        request_stop(&mut pool.acquire().await.unwrap(), &clock, id)
            .await
            .unwrap();
        let stopped = wait_for(&pool, id, JobState::Stopped).await;
        println!("{kind} stopped after {:?}", begin.elapsed());
        assert_eq!((stopped.failures, stopped.error), (0, None));
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
    assert!(dropped.load(Ordering::SeqCst));
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_stop_is_not_forgotten_when_the_worker_is_lost(pool: PgPool) {
    let clock = Clock::system();
    let hanging = registry(JobSettings::default(), |_, _| std::future::pending());
    let worker = work(&pool, hanging, &clock, quick());
    let id = enqueued(&pool, &clock, |_| {}).await;
    wait_for(&pool, id, JobState::Running).await;
    worker.kill().await;
    request_stop(&mut pool.acquire().await.unwrap(), &clock, id)
        .await
        .unwrap();
    let other = work(
        &pool,
        registry(JobSettings::default(), |_, _| async { Ok(()) }),
        &clock,
        quick(),
    );
    assert_eq!(wait_for(&pool, id, JobState::Stopped).await.attempt, 1);
    other.shut_down().await;
}
