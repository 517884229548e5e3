//! What may run beside what, and in which order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use slipway_jobs::{Clock, JobContext, JobSettings, Registry, WorkerSettings};
use sqlx::PgPool;

use super::support::*;

/// Counts what runs at once, by a label, and the most that did.
#[derive(Clone, Default)]
struct Gauge(Arc<Mutex<BTreeMap<String, (u32, u32)>>>);

impl Gauge {
    async fn during(&self, label: String, time: Duration) {
        {
            let mut levels = self.0.lock().unwrap();
            let (now, most) = levels.entry(label.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        tokio::time::sleep(time).await;
        self.0.lock().unwrap().get_mut(&label).unwrap().0 -= 1;
    }

    fn most(&self, label: &str) -> u32 {
        self.0.lock().unwrap()[label].1
    }
}

fn gauged(gauge: &Gauge, settings: JobSettings) -> Registry {
    let gauge = gauge.clone();
    registry(settings, move |_: JobContext, payload| {
        let gauge = gauge.clone();
        async move {
            gauge.during(payload.to_string(), Duration::from_millis(60)).await;
            Ok(())
        }
    })
}

async fn all_done(pool: &PgPool) {
    eventually("all jobs", || async {
        (count(pool, "SELECT count(*) FROM jobs WHERE state <> 'success'").await == 0).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn a_kinds_limit_holds_over_all_workers(pool: PgPool) {
    let (clock, gauge) = (Clock::system(), Gauge::default());
    let settings = JobSettings {
        concurrency: Some(3),
        ..JobSettings::default()
    };
    for _ in 0..40 {
        enqueued(&pool, &clock, |_| {}).await;
    }
    let workers = [
        work(&pool, gauged(&gauge, settings), &clock, quick()),
        work(&pool, gauged(&gauge, settings), &clock, quick()),
    ];
    all_done(&pool).await;
    assert_eq!(gauge.most("null"), 3);
    for worker in workers {
        worker.shut_down().await;
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn of_one_exclusive_key_one_runs(pool: PgPool) {
    let (clock, gauge) = (Clock::system(), Gauge::default());
    for number in 0..24 {
        enqueued(&pool, &clock, |job| {
            if number % 2 == 0 {
                job.exclusive_key = Some(format!("key {}", number % 4));
                job.payload = json!(number % 4);
            }
        })
        .await;
    }
    // They start with all jobs before them, so that those without a key meet.
    let workers = [
        work(&pool, gauged(&gauge, JobSettings::default()), &clock, quick()),
        work(&pool, gauged(&gauge, JobSettings::default()), &clock, quick()),
    ];
    all_done(&pool).await;
    assert_eq!((gauge.most("0"), gauge.most("2")), (1, 1));
    assert!(
        gauge.most("null") > 1,
        "jobs without a key do not wait for each other"
    );
    for worker in workers {
        worker.shut_down().await;
    }
}

#[sqlx::test(migrations = "../server/migrations")]
async fn the_urgent_runs_first_and_then_the_oldest(pool: PgPool) {
    let clock = Clock::system();
    let order = Arc::new(Mutex::new(Vec::new()));
    for (priority, name) in [
        (0, "third"),
        (5, "first"),
        (-1, "last"),
        (0, "fourth"),
        (1, "second"),
    ] {
        enqueued(&pool, &clock, |job| {
            job.priority = priority;
            job.payload = json!(name);
        })
        .await;
    }
    let seen = Arc::clone(&order);
    let registry = registry(JobSettings::default(), move |_, payload| {
        seen.lock().unwrap().push(payload.as_str().unwrap().to_owned());
        async { Ok(()) }
    });
    let worker = work(&pool, registry, &clock, WorkerSettings { slots: 1, ..quick() });
    all_done(&pool).await;
    assert_eq!(
        *order.lock().unwrap(),
        ["first", "second", "third", "fourth", "last"]
    );
    worker.shut_down().await;
}

#[sqlx::test(migrations = "../server/migrations")]
async fn kinds_that_a_worker_does_not_know_wait_for_another(pool: PgPool) {
    let (clock, gauge) = (Clock::system(), Gauge::default());
    let worker = work(&pool, gauged(&gauge, JobSettings::default()), &clock, quick());
    let foreign = enqueued(&pool, &clock, |job| job.kind = "foreign".into()).await;
    let own = enqueued(&pool, &clock, |_| {}).await;
    wait_for(&pool, own, slipway_jobs::JobState::Success).await;
    assert_eq!(job(&pool, foreign).await.state, slipway_jobs::JobState::Pending);
    worker.shut_down().await;
}
