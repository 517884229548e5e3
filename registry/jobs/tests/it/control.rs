//! What people do to queues, and what they see of workers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use slipway_jobs::{
    Clock, JobContext, JobError, JobSettings, JobState, NewExecution, NewJob, NewSchedule, enqueue,
    execution, pause, pool, queue, schedule, sweep,
};
use sqlx::{PgConnection, PgPool};

use super::support::{KIND, count, eager, enqueued, eventually, job, quick, registry, wait_for, work};

fn start() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

async fn conn(pool: &PgPool) -> PgConnection {
    pool.acquire().await.unwrap().detach()
}

fn kinds() -> [String; 1] {
    [KIND.to_owned()]
}

#[sqlx::test(migrations = "../server/migrations")]
async fn nothing_of_a_paused_kind_is_begun_by_any_worker(pool: PgPool) {
    let clock = Clock::system();
    let handler = |_: JobContext, _: Value| async { Ok(()) };
    let workers = [
        work(&pool, registry(eager(), handler), &clock, quick()),
        work(&pool, registry(eager(), handler), &clock, quick()),
    ];
    pause::pause(&mut conn(&pool).await, &clock, &kinds())
        .await
        .unwrap();
    // Twice is once.
    pause::pause(&mut conn(&pool).await, &clock, &kinds())
        .await
        .unwrap();
    let id = enqueued(&pool, &clock, |_| {}).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(job(&pool, id).await.state, JobState::Pending);
    assert_eq!(pause::paused(&mut conn(&pool).await).await.unwrap(), [KIND]);
    pause::resume(&mut conn(&pool).await, &kinds()).await.unwrap();
    wait_for(&pool, id, JobState::Success).await;
    assert!(pause::paused(&mut conn(&pool).await).await.unwrap().is_empty());
    for worker in workers {
        worker.shut_down().await;
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_pause_lets_go_on_what_runs_and_a_stop_of_what_waits_too(pool: PgPool) {
    let clock = Clock::system();
    let handler = |context: JobContext, _: Value| async move {
        context.cancelled().await;
        Err(JobError::retry("asked to end"))
    };
    let worker = work(&pool, registry(JobSettings::default(), handler), &clock, quick());
    let running = enqueued(&pool, &clock, |_| {}).await;
    wait_for(&pool, running, JobState::Running).await;
    pause::pause(&mut conn(&pool).await, &clock, &kinds())
        .await
        .unwrap();
    let new = NewExecution {
        kind: KIND.to_owned(),
        subject_id: None,
        trigger: "manual".to_owned(),
        attributes: Value::Null,
    };
    let execution = execution::create(&mut conn(&pool).await, &clock, new)
        .await
        .unwrap();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let id = enqueued(&pool, &clock, |job| job.execution = Some(execution)).await;
        waiting.push(id);
    }
    let stopped = async |limit| {
        queue::stop_waiting(&mut conn(&pool).await, &clock, &kinds(), limit)
            .await
            .unwrap()
    };
    assert_eq!((stopped(2).await, stopped(2).await, stopped(2).await), (2, 1, 0));
    for id in waiting {
        assert_eq!(job(&pool, id).await.state, JobState::Stopped);
    }
    let ended = execution::execution(&mut conn(&pool).await, execution)
        .await
        .unwrap()
        .unwrap();
    assert!(ended.ended_at.is_some());
    assert_eq!(job(&pool, running).await.state, JobState::Running);
    let shown = queue::running(&mut conn(&pool).await).await.unwrap();
    assert_eq!(shown.iter().map(|job| job.id).collect::<Vec<_>>(), [running]);
    assert_eq!(
        queue::request_stop_running(&mut conn(&pool).await).await.unwrap(),
        1
    );
    wait_for(&pool, running, JobState::Stopped).await;
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn while_the_scheduler_is_paused_nothing_fires(pool: PgPool) {
    let clock = Clock::fixed(start());
    let wanted = NewSchedule {
        name: "s".to_owned(),
        cron: "0 0 * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        kind: KIND.to_owned(),
        payload: Value::Null,
        priority: 0,
        max_attempts: 1,
        enabled: true,
    };
    schedule::put(&mut conn(&pool).await, &clock, &wanted)
        .await
        .unwrap();
    let scheduler = [pause::SCHEDULER.to_owned()];
    pause::pause(&mut conn(&pool).await, &clock, &scheduler)
        .await
        .unwrap();
    clock.advance(TimeDelta::hours(5));
    assert_eq!(schedule::tick(&pool, &clock).await.unwrap(), 0);
    pause::resume(&mut conn(&pool).await, &scheduler).await.unwrap();
    // Five moments were missed: one run makes up for them.
    assert_eq!(schedule::tick(&pool, &clock).await.unwrap(), 1);
    assert_eq!(schedule::tick(&pool, &clock).await.unwrap(), 0);
    let (shown, total) = schedule::page(&mut conn(&pool).await, Some(10), 0).await.unwrap();
    assert_eq!((shown.len(), total, shown[0].created_at), (1, 1, start()));
    let found = schedule::find(&mut conn(&pool).await, "s").await.unwrap();
    assert_eq!(found.as_ref(), shown.first());
    assert_eq!(schedule::find(&mut conn(&pool).await, "t").await.unwrap(), None);
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_worker_is_shown_while_it_lives(pool: PgPool) {
    let clock = Clock::system();
    let handler = |_: JobContext, _: Value| async { Ok(()) };
    let alive = async || pool::pools(&mut conn(&pool).await).await.unwrap();
    let settings = slipway_jobs::WorkerSettings {
        name: "one".to_owned(),
        lease: Duration::from_millis(1500),
        ..quick()
    };
    let one = work(&pool, registry(eager(), handler), &clock, settings);
    let two = work(&pool, registry(eager(), handler), &clock, quick());
    let both = eventually("two workers", || async {
        Some(alive().await).filter(|pools| pools.len() == 2)
    })
    .await;
    let own = both.iter().find(|pool| pool.name == "one").unwrap();
    assert_eq!((own.slots, own.pid), (8, i64::from(std::process::id())));
    let first = own.heartbeat_at;
    eventually("a heartbeat", || async {
        alive()
            .await
            .into_iter()
            .find(|pool| pool.name == "one" && pool.heartbeat_at > first)
    })
    .await;
    // One that is killed says nothing and vanishes all the same.
    one.kill().await;
    eventually("one worker", || async {
        Some(alive().await).filter(|pools| pools.len() == 1)
    })
    .await;
    two.shut_down().await;
    assert!(alive().await.is_empty());
}

#[sqlx::test(migrations = "../server/migrations")]
async fn h43_only_the_newest_executions_are_kept(pool: PgPool) {
    let clock = Clock::fixed(start());
    let handler = |context: JobContext, _: Value| async move {
        context.log("a line");
        Ok(())
    };
    let mut last = None;
    for (kind, subject, number) in [
        ("a", None, 5),
        ("a", Some(1), 4),
        ("a", Some(2), 1),
        ("b", Some(1), 3),
    ] {
        for _ in 0..number {
            let new = NewExecution {
                kind: kind.to_owned(),
                subject_id: subject,
                trigger: "event".to_owned(),
                attributes: Value::Null,
            };
            let mut conn = conn(&pool).await;
            let id = execution::create(&mut conn, &clock, new).await.unwrap();
            let job = NewJob {
                execution: Some(id),
                ..NewJob::new(KIND, &Value::Null).unwrap()
            };
            last = Some(enqueue(&mut conn, &clock, job).await.unwrap());
        }
    }
    let worker = work(&pool, registry(JobSettings::default(), handler), &clock, quick());
    wait_for(&pool, last.unwrap(), JobState::Success).await;
    let open = "SELECT count(*) FROM job_executions WHERE ended_at IS NULL";
    eventually("all to end", || async {
        (count(&pool, open).await == 0).then_some(())
    })
    .await;
    worker.shut_down().await;
    sqlx::query("UPDATE job_executions SET ended_at = NULL WHERE id = 1")
        .execute(&pool)
        .await
        .unwrap();
    let swept = async || sweep::keep_newest(&pool, &[("b", 1)], 2, || false).await.unwrap();
    assert_eq!(sweep::keep_newest(&pool, &[], 2, || true).await.unwrap(), 0);
    // Of `a` without a subject the oldest of all still runs.
    assert_eq!((swept().await, swept().await), (2 + 2 + 2, 0));
    let left: Vec<(String, Option<i64>, i64)> =
        sqlx::query_as("SELECT kind, subject_id, count(*) FROM job_executions GROUP BY 1, 2 ORDER BY 1, 2")
            .fetch_all(&pool)
            .await
            .unwrap();
    let counted = |kind: &str, subject, number| (kind.to_owned(), subject, number);
    assert_eq!(
        left,
        [
            counted("a", Some(1), 2),
            counted("a", Some(2), 1),
            counted("a", None, 3),
            counted("b", Some(1), 1)
        ]
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM jobs").await, 7);
    assert_eq!(
        count(&pool, "SELECT count(DISTINCT job_id) FROM job_logs").await,
        7
    );
}
