//! Executions and the removal of what is old.

use chrono::TimeDelta;
use serde_json::json;
use slipway_jobs::execution::{create, end_if_done, execution, executions};
use slipway_jobs::queue::{jobs_of, request_stop_all};
use slipway_jobs::sweep::sweep;
use slipway_jobs::{
    Clock, ExecutionId, ExecutionStatus, JobError, JobSettings, JobState, NewExecution, Registry, retry,
};
use sqlx::PgPool;

use super::support::*;

async fn created(pool: &PgPool, clock: &Clock, subject_id: i64) -> ExecutionId {
    let new = NewExecution {
        kind: "replication".into(),
        subject_id: Some(subject_id),
        trigger: "manual".into(),
        attributes: json!({"a": 1}),
    };
    create(&mut pool.acquire().await.unwrap(), clock, new)
        .await
        .unwrap()
}

async fn status(pool: &PgPool, id: ExecutionId) -> ExecutionStatus {
    execution(&mut pool.acquire().await.unwrap(), id)
        .await
        .unwrap()
        .unwrap()
        .status()
}

fn good_and_bad() -> Registry {
    let mut registry = Registry::new();
    registry.register(KIND, JobSettings::default(), |_, _: serde_json::Value| async {
        Ok(())
    });
    registry.register("bad", JobSettings::default(), |_, _: serde_json::Value| async {
        Err(JobError::fatal("no"))
    });
    registry
}

#[sqlx::test(migrations = "../server/migrations")]
async fn an_execution_ends_with_its_last_job(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    let workers = [
        work(&pool, good_and_bad(), &clock, quick()),
        work(&pool, good_and_bad(), &clock, quick()),
    ];
    for round in 0..5 {
        let id = created(&pool, &clock, round).await;
        let mut transaction = pool.begin().await.unwrap();
        for number in 0..20 {
            let mut job = slipway_jobs::NewJob::new(KIND, &()).unwrap();
            job.execution = Some(id);
            if round == 4 && number == 0 {
                job.kind = "bad".into();
            }
            slipway_jobs::enqueue(&mut transaction, &clock, job)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        let ended = eventually("the execution to end", || async {
            let found = execution(&mut pool.acquire().await.unwrap(), id)
                .await
                .unwrap()
                .unwrap();
            found.ended_at.is_some().then_some(found)
        })
        .await;
        assert_eq!((ended.counts().total, ended.counts().open), (20, 0));
        let expected = if round == 4 {
            ExecutionStatus::Error
        } else {
            ExecutionStatus::Success
        };
        assert_eq!(ended.status(), expected);
    }
    let mut conn = pool.acquire().await.unwrap();
    let newest = executions(&mut conn, "replication", None, None, 3).await.unwrap();
    assert_eq!(
        newest.iter().map(|e| e.subject_id.unwrap()).collect::<Vec<_>>(),
        [4, 3, 2]
    );
    let older = executions(&mut conn, "replication", None, Some(newest[2].id), 3)
        .await
        .unwrap();
    assert_eq!(
        older.iter().map(|e| e.subject_id.unwrap()).collect::<Vec<_>>(),
        [1, 0]
    );
    assert_eq!(
        executions(&mut conn, "replication", Some(1), None, 3)
            .await
            .unwrap()
            .len(),
        1
    );
    for worker in workers {
        worker.shut_down().await;
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn an_execution_is_stopped_and_revived_with_its_jobs(pool: PgPool) {
    let clock = Clock::system();
    let id = created(&pool, &clock, 1).await;
    for _ in 0..3 {
        enqueued(&pool, &clock, |job| job.execution = Some(id)).await;
    }
    assert_eq!(status(&pool, id).await, ExecutionStatus::Running);
    let mut conn = pool.acquire().await.unwrap();
    assert!(request_stop_all(&mut conn, &clock, id).await.unwrap());
    assert_eq!(status(&pool, id).await, ExecutionStatus::Stopped);
    let jobs = jobs_of(&mut conn, id, None, 10).await.unwrap();
    assert!(jobs.len() == 3 && jobs.iter().all(|job| job.state == JobState::Stopped));
    assert_eq!(
        jobs_of(&mut conn, id, Some(jobs[0].id), 1).await.unwrap(),
        jobs[1..2]
    );
    for job in &jobs {
        assert!(retry(&mut conn, &clock, job.id).await.unwrap());
        assert_eq!(status(&pool, id).await, ExecutionStatus::Running);
    }
    let worker = work(&pool, good_and_bad(), &clock, quick());
    eventually("success", || async {
        (status(&pool, id).await == ExecutionStatus::Success).then_some(())
    })
    .await;
    let empty = created(&pool, &clock, 2).await;
    assert_eq!(status(&pool, empty).await, ExecutionStatus::Running);
    end_if_done(&mut conn, &clock, empty).await.unwrap();
    assert_eq!(status(&pool, empty).await, ExecutionStatus::Success);
    worker.shut_down().await;
}

/// LESSONS-harbor 43: history is bounded.
#[sqlx::test(migrations = "../server/migrations")]
async fn what_ended_long_ago_is_swept(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    let worker = work(&pool, good_and_bad(), &clock, quick());
    let old = created(&pool, &clock, 1).await;
    enqueued(&pool, &clock, |job| job.execution = Some(old)).await;
    let lone = enqueued(&pool, &clock, |_| {}).await;
    wait_for(&pool, lone, JobState::Success).await;
    eventually("success", || async {
        (status(&pool, old).await == ExecutionStatus::Success).then_some(())
    })
    .await;
    clock.advance(TimeDelta::days(10));
    let young = created(&pool, &clock, 2).await;
    let later = Some(clock.now() + TimeDelta::days(400));
    enqueued(&pool, &clock, |job| {
        (job.execution, job.run_at) = (Some(young), later)
    })
    .await;
    assert_eq!(sweep(&pool, &clock, TimeDelta::days(11)).await.unwrap(), 0);
    clock.advance(TimeDelta::days(300));
    assert_eq!(sweep(&pool, &clock, TimeDelta::days(9)).await.unwrap(), 2);
    assert_eq!(count(&pool, "SELECT count(*) FROM jobs").await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM job_executions").await, 1);
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_large_history_is_swept_quickly(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    sqlx::query(
        "WITH ended AS (
             INSERT INTO jobs (kind, payload, state, run_at, max_attempts, created_at, ended_at)
             SELECT 'test', '{}', 'success', t, 5, t, t FROM (SELECT $1 - i * interval '1 second' AS t
                                                              FROM generate_series(1, 30000) i) times
             RETURNING id, ended_at)
         INSERT INTO job_logs (job_id, attempt, line, logged_at) SELECT id, 1, 'line', ended_at FROM ended",
    )
    .bind(clock.now() - TimeDelta::days(100))
    .execute(&pool)
    .await
    .unwrap();
    let begin = std::time::Instant::now();
    assert_eq!(sweep(&pool, &clock, TimeDelta::days(90)).await.unwrap(), 30_000);
    println!("swept 30000 jobs in {:?}", begin.elapsed());
    assert_eq!(count(&pool, "SELECT count(*) FROM job_logs").await, 0);
}
