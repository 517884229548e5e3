//! What a job says can be read while it runs.

use serde_json::json;
use slipway_jobs::{Clock, JobContext, JobError, JobSettings, JobState, queue};
use sqlx::PgPool;

use super::support::*;

/// LESSONS-harbor 42: the log is there from the first line on, and stays over all runs.
#[sqlx::test(migrations = "../server/migrations")]
async fn lines_and_progress_are_readable_while_it_runs(pool: PgPool) {
    let clock = Clock::system();
    let talking = registry(eager(), |context: JobContext, _| async move {
        context.log(format!("run {} begins\nand \0 goes on", context.attempt()));
        context.progress(json!({"done": context.attempt()}));
        if context.attempt() == 1 {
            return Err(JobError::retry("again"));
        }
        context.cancelled().await;
        context.log("last words");
        Ok(())
    });
    let id = enqueued(&pool, &clock, |_| {}).await;
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(queue::log(&mut conn, id, 0, 10).await.unwrap(), []);
    let worker = work(&pool, talking, &clock, quick());
    eventually("progress", || async {
        (job(&pool, id).await.progress == Some(json!({"done": 2}))).then_some(())
    })
    .await;
    let lines = || async {
        let lines = queue::log(&mut pool.acquire().await.unwrap(), id, 0, 10)
            .await
            .unwrap();
        lines
            .into_iter()
            .map(|line| (line.attempt, line.line))
            .collect::<Vec<_>>()
    };
    eventually("lines", || async { (lines().await.len() == 4).then_some(()) }).await;
    assert_eq!(job(&pool, id).await.state, JobState::Running);
    queue::request_stop(&mut conn, &clock, id).await.unwrap();
    assert_eq!(
        wait_for(&pool, id, JobState::Success).await.attempt,
        2,
        "it ended well in spite of the stop"
    );
    let expected = [
        (1, "run 1 begins"),
        (1, "and \u{fffd} goes on"),
        (2, "run 2 begins"),
        (2, "and \u{fffd} goes on"),
        (2, "last words"),
    ];
    assert_eq!(
        lines().await,
        expected.map(|(attempt, line)| (attempt, line.to_owned()))
    );
    let all = queue::log(&mut conn, id, 0, 10).await.unwrap();
    assert_eq!(queue::log(&mut conn, id, all[1].id, 2).await.unwrap(), all[2..4]);
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn the_queue_can_be_counted(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:00Z".parse().unwrap());
    enqueued(&pool, &clock, |_| {}).await;
    enqueued(&pool, &clock, |job| {
        job.run_at = Some(clock.now() + chrono::TimeDelta::hours(1))
    })
    .await;
    enqueued(&pool, &clock, |job| job.kind = "foreign".into()).await;
    let worker = work(
        &pool,
        registry(JobSettings::default(), |_, _| std::future::pending()),
        &clock,
        quick(),
    );
    eventually("a running job", || async {
        let counts = queue::counts(&mut pool.acquire().await.unwrap(), &clock)
            .await
            .unwrap();
        let counts: Vec<_> = counts
            .iter()
            .map(|c| (c.kind.as_str(), c.pending, c.running, c.due_since))
            .collect();
        (counts == [("foreign", 1, 0, Some(clock.now())), (KIND, 1, 1, None)]).then_some(())
    })
    .await;
    worker.shut_down().await;
}
