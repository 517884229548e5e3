//! Every job runs, and only when it shall.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use slipway_jobs::{Clock, JobContext, JobSettings, JobState, NewJob, WorkerSettings, enqueue};
use sqlx::PgPool;

use super::support::*;

#[sqlx::test(migrations = "../server/migrations")]
async fn two_workers_run_200_jobs_once_each(pool: PgPool) {
    let clock = Clock::system();
    let runs: Arc<Mutex<HashMap<i64, u32>>> = Arc::default();
    let counting = || {
        let runs = Arc::clone(&runs);
        registry(JobSettings::default(), move |context: JobContext, _| {
            *runs.lock().unwrap().entry(context.id().0).or_default() += 1;
            async { Ok(()) }
        })
    };
    let workers = [
        work(&pool, counting(), &clock, quick()),
        work(&pool, counting(), &clock, quick()),
    ];
    for _ in 0..20 {
        let mut transaction = pool.begin().await.unwrap();
        for _ in 0..10 {
            let job = NewJob::new(KIND, &()).unwrap();
            enqueue(&mut transaction, &clock, job).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    eventually("200 jobs", || async {
        (count(&pool, "SELECT count(*) FROM jobs WHERE state = 'success'").await == 200).then_some(())
    })
    .await;
    let runs = runs.lock().unwrap().clone();
    assert_eq!(runs.len(), 200);
    assert!(runs.values().all(|runs| *runs == 1));
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM jobs WHERE attempt = 1 AND losses = 0"
        )
        .await,
        200
    );
    assert!(count(&pool, "SELECT count(DISTINCT worker) FROM jobs").await == 2);
    for worker in workers {
        worker.shut_down().await;
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn an_enqueue_rolls_back_with_its_transaction(pool: PgPool) {
    let clock = Clock::system();
    let mut transaction = pool.begin().await.unwrap();
    enqueue(&mut transaction, &clock, NewJob::new(KIND, &()).unwrap())
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM jobs").await, 0);
}

/// LESSONS-harbor 41: a killed worker's job runs again elsewhere.
#[sqlx::test(migrations = "../server/migrations")]
async fn a_killed_workers_job_runs_elsewhere(pool: PgPool) {
    let clock = Clock::system();
    let first_hangs = || {
        registry(JobSettings::default(), |context: JobContext, _| async move {
            match context.attempt() {
                1 => std::future::pending().await,
                _ => Ok(()),
            }
        })
    };
    let killed = work(&pool, first_hangs(), &clock, quick());
    let id = enqueued(&pool, &clock, |job| job.max_attempts = 1).await;
    wait_for(&pool, id, JobState::Running).await;
    killed.kill().await;
    let begin = Instant::now();
    let other = work(&pool, first_hangs(), &clock, quick());
    let done = wait_for(&pool, id, JobState::Success).await;
    assert_eq!((done.attempt, done.failures), (2, 0));
    println!(
        "taken over after {:?}, with a lease of {:?}",
        begin.elapsed(),
        quick().lease
    );
    other.shut_down().await;
    let settings = WorkerSettings::default();
    assert!(settings.lease + settings.heartbeat + settings.poll < Duration::from_secs(30));
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_worker_that_shuts_down_gives_its_jobs_back(pool: PgPool) {
    let clock = Clock::system();
    let waiting = || {
        registry(JobSettings::default(), |context: JobContext, _| async move {
            if context.attempt() == 1 {
                context.cancelled().await;
                context.log(format!("asked to end: {:?}", context.cancel_reason().unwrap()));
                return Err(slipway_jobs::JobError::retry("interrupted"));
            }
            Ok(())
        })
    };
    let first = work(&pool, waiting(), &clock, quick());
    let id = enqueued(&pool, &clock, |job| job.max_attempts = 1).await;
    wait_for(&pool, id, JobState::Running).await;
    first.shut_down().await;
    let given_back = job(&pool, id).await;
    assert_eq!((given_back.state, given_back.failures), (JobState::Pending, 0));
    let second = work(&pool, waiting(), &clock, quick());
    wait_for(&pool, id, JobState::Success).await;
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM job_logs WHERE line = 'asked to end: Shutdown'"
        )
        .await,
        1
    );
    second.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_worker_that_lost_its_lease_stops_and_changes_nothing(pool: PgPool) {
    let clock = Clock::system();
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reasons);
    let registry = registry(JobSettings::default(), move |context: JobContext, _| {
        let seen = Arc::clone(&seen);
        async move {
            context.cancelled().await;
            seen.lock().unwrap().push(context.cancel_reason().unwrap());
            Ok(())
        }
    });
    let worker = work(&pool, registry, &clock, quick());
    let id = enqueued(&pool, &clock, |_| {}).await;
    wait_for(&pool, id, JobState::Running).await;
    // As if another worker, which runs other kinds of jobs too, had taken it over.
    sqlx::query(
        "UPDATE jobs SET lease_token = gen_random_uuid(), lease_until = now() + '1 hour', worker = 'other'",
    )
    .execute(&pool)
    .await
    .unwrap();
    eventually("the handler to be told", || async {
        (!reasons.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    assert_eq!(*reasons.lock().unwrap(), [slipway_jobs::CancelReason::LeaseLost]);
    worker.shut_down().await;
    let other = job(&pool, id).await;
    assert_eq!(
        (other.state, other.worker.as_deref()),
        (JobState::Running, Some("other"))
    );
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_killed_listening_connection_loses_no_job(pool: PgPool) {
    let clock = Clock::system();
    // Without NOTIFY this worker would look once an hour.
    let settings = WorkerSettings {
        poll: Duration::from_secs(3600),
        ..quick()
    };
    let worker = work(
        &pool,
        registry(JobSettings::default(), |_, _| async { Ok(()) }),
        &clock,
        settings,
    );
    let id = enqueued(&pool, &clock, |_| {}).await;
    wait_for(&pool, id, JobState::Success).await;
    for _ in 0..3 {
        let killed = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                      WHERE datname = current_database() AND query ILIKE 'LISTEN%'";
        eventually("a listener to kill", || async {
            (count(&pool, killed).await == 1).then_some(())
        })
        .await;
        let id = enqueued(&pool, &clock, |_| {}).await;
        wait_for(&pool, id, JobState::Success).await;
    }
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_job_waits_for_its_time(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    let worker = work(
        &pool,
        registry(JobSettings::default(), |_, _| async { Ok(()) }),
        &clock,
        quick(),
    );
    let later = clock.now() + chrono::TimeDelta::hours(1);
    let id = enqueued(&pool, &clock, |job| job.run_at = Some(later)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(job(&pool, id).await.state, JobState::Pending);
    clock.advance(chrono::TimeDelta::minutes(61));
    let done = wait_for(&pool, id, JobState::Success).await;
    assert_eq!(done.started_at, Some(clock.now()));
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn of_one_dedupe_key_one_waits(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    let keyed = |job: &mut NewJob| job.dedupe_key = Some("k".into());
    let later = clock.now() + chrono::TimeDelta::hours(1);
    let first = enqueued(&pool, &clock, |job| {
        keyed(job);
        job.run_at = Some(later);
    })
    .await;
    let second = enqueued(&pool, &clock, |job| {
        keyed(job);
        job.priority = 7;
    })
    .await;
    assert_eq!(first, second);
    let merged = job(&pool, first).await;
    assert_eq!((merged.run_at, merged.priority), (clock.now(), 7));
    let hanging = registry(eager(), |context: JobContext, _| async move {
        context.cancelled().await;
        Err(slipway_jobs::JobError::retry("interrupted"))
    });
    let worker = work(&pool, hanging, &clock, WorkerSettings { slots: 1, ..quick() });
    wait_for(&pool, first, JobState::Running).await;
    let third = enqueued(&pool, &clock, keyed).await;
    assert_ne!(first, third, "a running job does not stand for a new one");
    // The first one has to wait again, beside the third one.
    worker.shut_down().await;
    assert_eq!(job(&pool, first).await.state, JobState::Pending);
    assert_eq!(enqueued(&pool, &clock, keyed).await, third);
}
