//! Policies and runs through the real router, with a worker beside it.

mod access;
mod policies;
mod runs;
mod states;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_jobs::{Registry, Worker, WorkerSettings};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::features::tests::push;
use crate::testing::{Answer, As, TestApp};

const RETENTIONS: &str = "/api/v2.0/retentions";
const PREVIEW: &str = "/api/slipway/v1/projects/alpha/retention/preview";

/// A private project `alpha` and its id.
async fn alpha(pool: PgPool) -> (TestApp, i64) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("alpha", false).await;
    (app, id)
}

/// A rule as Harbor's clients write it.
fn rule(template: &str, number: u64, tags: &str, repositories: &str) -> Value {
    json!({
        "disabled": false, "action": "retain", "template": template, "params": {template: number},
        "tag_selectors": [
            {"kind": "doublestar", "decoration": "matches", "pattern": tags, "extras": "{\"untagged\":true}"},
        ],
        "scope_selectors": {"repository": [
            {"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories},
        ]},
    })
}

/// A policy as Harbor's clients write it.
fn policy(project_id: i64, rules: &[Value], cron: &str) -> Value {
    json!({
        "algorithm": "or", "rules": rules,
        "trigger": {"kind": "Schedule", "settings": {"cron": cron}, "references": {}},
        "scope": {"level": "project", "ref": project_id},
    })
}

/// Adds a policy and returns its path.
async fn add(app: &TestApp, policy: &Value) -> String {
    let answer = app
        .send_json(&app.admin(), Method::POST, RETENTIONS, policy)
        .await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::CREATED, 0),
        "{answer:?}"
    );
    answer.header("location").to_owned()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, part: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (status, code),
        "{answer:?}"
    );
    let message = answer.json()["errors"][0]["message"].to_string();
    assert!(message.contains(part), "{message}");
}

/// A worker with the jobs of this slice.
fn worker(app: &TestApp) -> CancellationToken {
    let mut registry = Registry::new();
    super::register(&mut registry, &app.app);
    let settings = WorkerSettings {
        poll: Duration::from_millis(20),
        ..WorkerSettings::default()
    };
    let worker = Worker::new(app.app.pool.clone(), registry, app.app.clock.clone(), settings);
    let stop = CancellationToken::new();
    tokio::spawn(worker.run(stop.clone()));
    stop
}

/// Starts a run, waits for its end and returns its path and what it came to.
async fn run(app: &TestApp, policy: &str, dry_run: bool) -> (String, Value) {
    let stop = worker(app);
    let body = json!({"dry_run": dry_run});
    let executions = format!("{policy}/executions");
    let answer = app
        .send_json(&app.admin(), Method::POST, &executions, &body)
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let path = answer.header("location").to_owned();
    for _ in 0..3000 {
        let newest = app.get(&app.admin(), &executions).await.json()[0].clone();
        if newest["status"] != "Running" {
            stop.cancel();
            assert_eq!(path, format!("{executions}/{}", newest["id"]));
            return (path, newest);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the run does not end");
}

/// The tags of a repository of `alpha`, sorted.
async fn tags(app: &TestApp, repository: &str) -> Vec<String> {
    let uri = format!("/v2/alpha/{repository}/tags/list");
    let answer = app.get(&app.admin(), &uri).await;
    let mut tags: Vec<String> = serde_json::from_value(answer.json()["tags"].clone()).unwrap_or_default();
    tags.sort();
    tags
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.app.pool).await.unwrap()
}

/// Pushes an image for each of these tags, a minute apart.
async fn images(app: &TestApp, repository: &str, tags: &[&str]) -> Vec<push::Image> {
    let mut pushed = Vec::new();
    for tag in tags {
        app.advance(chrono::TimeDelta::minutes(1));
        pushed.push(push::image(app, &format!("alpha/{repository}"), Some(tag), tag).await);
    }
    pushed
}

/// Puts a further tag on an image.
async fn tag(app: &TestApp, repository: &str, image: &push::Image, tag: &str) {
    let uri = format!(
        "/api/v2.0/projects/alpha/repositories/{repository}/artifacts/{}/tags",
        image.digest
    );
    let answer = app
        .send_json(&app.admin(), Method::POST, &uri, &json!({"name": tag}))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}

/// Everybody of `alpha` by role, and an outsider.
async fn people(app: &TestApp, project_id: i64) -> Vec<(&'static str, As)> {
    let mut people = Vec::new();
    for (name, role) in [
        ("padmin", 1),
        ("dev", 2),
        ("guest", 3),
        ("maintainer", 4),
        ("limited", 5),
    ] {
        let who = app.create_user(name).await;
        app.add_member(project_id, name, role).await;
        people.push((name, who));
    }
    people.push(("outsider", app.create_user("outsider").await));
    people
}
