//! Schedules over several workers.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use slipway_jobs::schedule::{list, put, remove, tick};
use slipway_jobs::{Clock, JobContext, JobSettings, JobsError, NewSchedule};
use sqlx::PgPool;

use super::support::*;

fn every_minute() -> NewSchedule {
    NewSchedule {
        name: "minute".into(),
        cron: "* * * * *".into(),
        time_zone: "UTC".into(),
        kind: KIND.into(),
        payload: json!("tick"),
        priority: 0,
        max_attempts: 1,
        enabled: true,
    }
}

async fn stored(pool: &PgPool, clock: &Clock, schedule: &NewSchedule) {
    put(&mut pool.acquire().await.unwrap(), clock, schedule)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../server/migrations")]
async fn three_workers_fire_each_moment_once(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:30Z".parse().unwrap());
    let nothing = || registry(JobSettings::default(), |_, _| async { Ok(()) });
    let workers: Vec<_> = (0..3).map(|_| work(&pool, nothing(), &clock, quick())).collect();
    for number in 0..10 {
        stored(
            &pool,
            &clock,
            &NewSchedule {
                name: format!("s{number}"),
                ..every_minute()
            },
        )
        .await;
    }
    for minute in 1..=5 {
        clock.advance(TimeDelta::seconds(60));
        eventually("every schedule's job", || async {
            let done = count(&pool, "SELECT count(*) FROM jobs WHERE state = 'success'").await;
            (done == minute * 10).then_some(())
        })
        .await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM jobs").await, 50);
    assert_eq!(
        count(&pool, "SELECT count(*) FROM job_fires WHERE job_id IS NOT NULL").await,
        50
    );
    for worker in workers {
        worker.shut_down().await;
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn missed_moments_are_one_run(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:30Z".parse().unwrap());
    stored(&pool, &clock, &every_minute()).await;
    assert_eq!(tick(&pool, &clock).await.unwrap(), 0);
    clock.advance(TimeDelta::hours(3));
    assert_eq!(tick(&pool, &clock).await.unwrap(), 1);
    assert_eq!(tick(&pool, &clock).await.unwrap(), 0);
    let schedule = list(&mut pool.acquire().await.unwrap(), None, 10)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        schedule.last_fire_at,
        Some("2026-05-01T12:01:00Z".parse().unwrap())
    );
    assert_eq!(
        schedule.next_fire_at,
        Some("2026-05-01T15:01:00Z".parse().unwrap())
    );
    // The run is still waiting when the next moment comes: it stands for both.
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(tick(&pool, &clock).await.unwrap(), 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM jobs").await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM job_fires").await, 2);
}

#[sqlx::test(migrations = "../server/migrations")]
async fn runs_of_one_schedule_never_overlap(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:30Z".parse().unwrap());
    stored(&pool, &clock, &every_minute()).await;
    let waits_for_stop = || {
        registry(JobSettings::default(), |context: JobContext, _| async move {
            context.cancelled().await;
            Ok(())
        })
    };
    let workers: Vec<_> = (0..2)
        .map(|_| work(&pool, waits_for_stop(), &clock, quick()))
        .collect();
    for minute in 1..=3 {
        clock.advance(TimeDelta::minutes(1));
        eventually("the schedule to fire", || async {
            (count(&pool, "SELECT count(*) FROM job_fires").await == minute).then_some(())
        })
        .await;
        let running = "SELECT count(*) FROM jobs WHERE state = 'running'";
        eventually("a run", || async {
            (count(&pool, running).await == 1).then_some(())
        })
        .await;
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        count(&pool, "SELECT count(*) FROM jobs WHERE state = 'running'").await,
        1
    );
    assert_eq!(
        count(&pool, "SELECT count(*) FROM jobs WHERE state = 'pending'").await,
        1
    );
    for worker in workers {
        worker.shut_down().await;
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_clock_that_was_wrong_fires_nothing_twice(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:30Z".parse().unwrap());
    stored(&pool, &clock, &every_minute()).await;
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(tick(&pool, &clock).await.unwrap(), 1);
    // Another replica, half a minute behind, sees nothing due.
    let behind = Clock::fixed("2026-05-01T12:00:50Z".parse().unwrap());
    assert_eq!(tick(&pool, &behind).await.unwrap(), 0);
    // Somebody sets the moment back: it was fired already.
    sqlx::query("UPDATE job_schedules SET next_fire_at = '2026-05-01T12:01:00Z'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(tick(&pool, &clock).await.unwrap(), 0);
    // A clock that was a year ahead for a while does not silence the schedule for that year.
    clock.advance(TimeDelta::days(365));
    assert_eq!(tick(&pool, &clock).await.unwrap(), 1);
    clock.advance(TimeDelta::days(-365));
    let worker = work(
        &pool,
        registry(JobSettings::default(), |_, _| async { Ok(()) }),
        &clock,
        quick(),
    );
    eventually("the schedule to be brought back", || async {
        let schedule = list(&mut pool.acquire().await.unwrap(), None, 10)
            .await
            .unwrap()
            .remove(0);
        (schedule.next_fire_at < Some("2026-05-02T00:00:00Z".parse().unwrap())).then_some(())
    })
    .await;
    worker.shut_down().await;
}

/// A run a day, and a clock that jumps over its moment, back before it, and comes to it in its own time.
#[sqlx::test(migrations = "../server/migrations")]
async fn a_clock_that_jumps_by_hours_runs_nothing_twice(pool: PgPool) {
    let jobs = "SELECT count(*) FROM jobs";
    let next = async || {
        let mut conn = pool.acquire().await.unwrap();
        list(&mut conn, None, 10).await.unwrap().remove(0).next_fire_at
    };
    let clock = Clock::fixed("2026-05-01T01:00:00Z".parse().unwrap());
    let daily = NewSchedule {
        cron: "17 3 * * *".into(),
        ..every_minute()
    };
    stored(&pool, &clock, &daily).await;
    clock.advance(TimeDelta::hours(5));
    assert_eq!(tick(&pool, &clock).await.unwrap(), 1);
    assert_eq!(next().await, Some("2026-05-02T03:17:00Z".parse().unwrap()));
    clock.advance(TimeDelta::hours(-5));
    assert_eq!(tick(&pool, &clock).await.unwrap(), 0);

    // A worker brings the schedule back to today's moment, which was fired already.
    let nothing = || registry(JobSettings::default(), |_, _| async { Ok(()) });
    let worker = work(&pool, nothing(), &clock, quick());
    eventually("the schedule to be brought back", || async {
        (next().await == Some("2026-05-01T03:17:00Z".parse().unwrap())).then_some(())
    })
    .await;
    clock.advance(TimeDelta::hours(3));
    eventually("the moment to pass", || async {
        (next().await == Some("2026-05-02T03:17:00Z".parse().unwrap())).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count(&pool, jobs).await, 1);
    // The run that the clock of tomorrow gave waits for its hour; would it still wait the next day, it stood for both.
    clock.advance(TimeDelta::hours(3));
    eventually("the first run to end", || async {
        let done = count(&pool, "SELECT count(*) FROM jobs WHERE state = 'success'").await;
        (done == 1).then_some(())
    })
    .await;
    clock.advance(TimeDelta::hours(21));
    eventually("the next day's run", || async {
        (count(&pool, jobs).await == 2).then_some(())
    })
    .await;
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn schedules_are_stored_changed_and_removed(pool: PgPool) {
    let clock = Clock::fixed("2026-05-01T12:00:30Z".parse().unwrap());
    let mut conn = pool.acquire().await.unwrap();
    let daily = NewSchedule {
        cron: "0 3 * * *".into(),
        ..every_minute()
    };
    let id = put(&mut conn, &clock, &daily).await.unwrap();
    clock.advance(TimeDelta::hours(30));
    // The same again, even when it is overdue, changes nothing.
    assert_eq!(
        put(
            &mut conn,
            &clock,
            &NewSchedule {
                payload: json!(2),
                ..daily.clone()
            }
        )
        .await
        .unwrap(),
        id
    );
    let stored = list(&mut conn, None, 10).await.unwrap().remove(0);
    assert_eq!(stored.next_fire_at, Some("2026-05-02T03:00:00Z".parse().unwrap()));
    assert_eq!(stored.payload, json!(2));
    let berlin = NewSchedule {
        time_zone: "Europe/Berlin".into(),
        ..daily.clone()
    };
    put(&mut conn, &clock, &berlin).await.unwrap();
    let stored = list(&mut conn, None, 10).await.unwrap().remove(0);
    assert_eq!(stored.next_fire_at, Some("2026-05-03T01:00:00Z".parse().unwrap()));
    let bad = put(
        &mut conn,
        &clock,
        &NewSchedule {
            cron: "whenever".into(),
            ..daily.clone()
        },
    )
    .await;
    assert!(matches!(bad, Err(JobsError::Cron { .. })), "{bad:?}");
    let off = NewSchedule {
        enabled: false,
        ..every_minute()
    };
    put(&mut conn, &clock, &off).await.unwrap();
    clock.advance(TimeDelta::hours(1));
    assert_eq!(tick(&pool, &clock).await.unwrap(), 0);
    assert!(remove(&mut conn, "minute").await.unwrap());
    assert!(!remove(&mut conn, "minute").await.unwrap());
}
