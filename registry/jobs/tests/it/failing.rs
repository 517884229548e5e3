//! Handlers that fail, in every way.

use std::time::Duration;

use chrono::TimeDelta;
use slipway_jobs::{Backoff, Clock, JobContext, JobError, JobSettings, JobState, Registry, retry};
use sqlx::PgPool;

use super::support::*;

/// LESSONS-harbor 44: attempts are bounded, and then the job rests until somebody lets it run again.
#[sqlx::test(migrations = "../server/migrations")]
async fn failures_come_back_later_and_end_in_error(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    let backoff = Backoff {
        first: Duration::from_secs(60),
        longest: Duration::from_secs(3600),
    };
    let settings = JobSettings {
        backoff,
        ..JobSettings::default()
    };
    let failing = registry(settings, |context: JobContext, _| async move {
        match context.attempt() {
            4 => Ok(()),
            attempt => Err(JobError::retry(format!("failure {attempt}"))),
        }
    });
    let worker = work(&pool, failing, &clock, quick());
    let id = enqueued(&pool, &clock, |job| job.max_attempts = 3).await;
    for (failures, least) in [(1, 60), (2, 120)] {
        let failed = eventually("a failure", || async {
            let job = job(&pool, id).await;
            (job.failures == failures).then_some(job)
        })
        .await;
        let delay = failed.run_at - clock.now();
        assert_eq!(failed.state, JobState::Pending);
        assert_eq!(failed.error, Some(format!("failure {failures}")));
        assert!(
            delay >= TimeDelta::seconds(least) && delay <= TimeDelta::seconds(2 * least),
            "{delay}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(job(&pool, id).await.attempt, failures, "it waits for the clock");
        clock.advance(delay);
    }
    let dead = wait_for(&pool, id, JobState::Error).await;
    assert_eq!(
        (dead.attempt, dead.failures, dead.ended_at),
        (3, 3, Some(clock.now()))
    );
    clock.advance(TimeDelta::days(1));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(job(&pool, id).await.attempt, 3, "it rests");
    let mut conn = pool.acquire().await.unwrap();
    assert!(retry(&mut conn, &clock, id).await.unwrap());
    let done = wait_for(&pool, id, JobState::Success).await;
    assert_eq!((done.attempt, done.failures, done.error), (4, 0, None));
    assert!(!retry(&mut conn, &clock, id).await.unwrap(), "nothing to retry");
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn every_way_to_fail_is_told(pool: PgPool) {
    let clock = Clock::system();
    let settings = JobSettings {
        timeout: Duration::from_millis(200),
        ..eager()
    };
    let mut registry = Registry::new();
    registry.register("fatal", settings, |_, (): ()| async {
        Err(JobError::fatal("no such thing"))
    });
    registry.register("panic", settings, |_, (): ()| async { panic!("at the disco") });
    registry.register("early panic", settings, |_, (): ()| -> std::future::Ready<_> {
        panic!("at once")
    });
    registry.register("slow", settings, |_, (): ()| std::future::pending());
    registry.register("number", settings, |_, _: u32| async { Ok(()) });
    let worker = work(&pool, registry, &clock, quick());
    for (kind, attempts, error) in [
        ("fatal", 1, "no such thing"),
        ("panic", 2, "the handler panicked: at the disco"),
        ("early panic", 2, "the handler panicked: at once"),
        ("slow", 2, "the run took longer than 200ms"),
        (
            "number",
            1,
            "the payload cannot be read: invalid type: null, expected u32",
        ),
    ] {
        let id = enqueued(&pool, &clock, |job| {
            job.kind = kind.into();
            job.max_attempts = 2;
        })
        .await;
        let dead = wait_for(&pool, id, JobState::Error).await;
        assert_eq!(
            (dead.attempt, dead.error.as_deref()),
            (attempts, Some(error)),
            "{kind}"
        );
    }
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_handler_may_ask_for_a_longer_delay(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    let failing = registry(eager(), |_, _| async {
        Err(JobError::RetryAfter {
            message: "429".into(),
            delay: Duration::from_secs(1000),
        })
    });
    let worker = work(&pool, failing, &clock, quick());
    let id = enqueued(&pool, &clock, |_| {}).await;
    let failed = eventually("the failure", || async {
        let job = job(&pool, id).await;
        (job.failures == 1).then_some(job)
    })
    .await;
    assert_eq!(failed.run_at - clock.now(), TimeDelta::seconds(1000));
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_job_that_takes_its_workers_along_is_given_up(pool: PgPool) {
    let clock = Clock::system();
    let worker = work(
        &pool,
        registry(eager(), |_, _| std::future::pending()),
        &clock,
        quick(),
    );
    let id = enqueued(&pool, &clock, |_| {}).await;
    wait_for(&pool, id, JobState::Running).await;
    worker.kill().await;
    sqlx::query("UPDATE jobs SET losses = 9")
        .execute(&pool)
        .await
        .unwrap();
    let worker = work(&pool, Registry::new(), &clock, quick());
    let dead = wait_for(&pool, id, JobState::Error).await;
    assert!(dead.error.unwrap().ends_with("was lost"));
    worker.shut_down().await;
}
