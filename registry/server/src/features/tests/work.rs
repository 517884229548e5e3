//! A worker beside the router, and runs of what administrators start.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::Value;
use slipway_jobs::{Registry, Worker, WorkerSettings};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::kernel::app::App;
use crate::testing::TestApp;

/// A worker for these kinds, until the guard is dropped.
pub(crate) fn worker(app: &TestApp, register: impl FnOnce(&mut Registry, &App)) -> DropGuard {
    let mut registry = Registry::new();
    register(&mut registry, &app.app);
    let settings = WorkerSettings {
        poll: Duration::from_millis(20),
        heartbeat: Duration::from_millis(300),
        ..WorkerSettings::default()
    };
    let worker = Worker::new(app.app.pool.clone(), registry, app.app.clock.clone(), settings);
    let stop = CancellationToken::new();
    tokio::spawn(worker.run(stop.clone()));
    stop.drop_guard()
}

/// Starts a run and returns its path.
pub(crate) async fn start(app: &TestApp, schedule: &str, body: &Value) -> String {
    let answer = app.send_json(&app.admin(), Method::POST, schedule, body).await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::CREATED, 0),
        "{answer:?}"
    );
    answer.header("location").to_owned()
}

/// Waits for the end of a run and returns what it came to.
pub(crate) async fn end(app: &TestApp, run: &str) -> Value {
    for _ in 0..3000 {
        let found = app.get(&app.admin(), run).await;
        assert_eq!(found.status, StatusCode::OK, "{found:?}");
        let found = found.json();
        if found["job_status"] != "Running" {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the run {run} does not end");
}

/// What a run was told and what it did.
pub(crate) fn parameters(run: &Value) -> Value {
    serde_json::from_str(run["job_parameters"].as_str().unwrap()).unwrap()
}

/// A run's log.
pub(crate) async fn log(app: &TestApp, run: &str) -> String {
    let answer = app.get(&app.admin(), &format!("{run}/log")).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "text/plain"),
        "{answer:?}"
    );
    String::from_utf8(answer.body.to_vec()).unwrap()
}
