//! Clearing of the audit log through the real router, with a worker beside it.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::register;
use crate::features::tests::work::{end, log, parameters, start, worker};
use crate::testing::TestApp;

const PURGE: &str = "/api/v2.0/system/purgeaudit";
const SCHEDULE: &str = "/api/v2.0/system/purgeaudit/schedule";
const ARTIFACTS: &str = "create_artifact,delete_artifact,pull_artifact";

fn manual(hours: Value, kinds: &str, dry_run: bool) -> Value {
    json!({"schedule": {"type": "Manual"},
           "parameters": {"audit_retention_hour": hours, "include_event_types": kinds, "dry_run": dry_run}})
}

async fn run(app: &TestApp, body: &Value) -> (String, Value) {
    let _worker = worker(app, register);
    let path = start(app, SCHEDULE, body).await;
    let came_to = end(app, &path).await;
    (path, came_to)
}

/// Entries of two kinds, one an hour.
async fn entries(app: &TestApp, hours: i32) {
    let sql = "INSERT INTO audit_log (username, resource, resource_type, operation, op_time)
               SELECT 'dev', 'r', k, 'create', $2 - make_interval(hours => n)
               FROM generate_series(1, $1) n, unnest(ARRAY['artifact', 'project']) k";
    sqlx::query(sql)
        .bind(hours)
        .bind(app.app.clock.now())
        .execute(&app.app.pool)
        .await
        .unwrap();
}

async fn left(app: &TestApp, kind: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit_log WHERE resource_type = $1")
        .bind(kind)
        .fetch_one(&app.app.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "./migrations")]
async fn old_entries_of_the_kinds_that_are_named_go(pool: PgPool) {
    let app = TestApp::new(pool).await;
    entries(&app, 6000).await;
    let (path, dry) = run(&app, &manual(json!(24), ARTIFACTS, true)).await;
    assert_eq!(
        (&dry["job_name"], &dry["job_kind"], &dry["job_status"]),
        (&json!("PURGE_AUDIT_LOG"), &json!("MANUAL"), &json!("Success"))
    );
    let told = parameters(&dry);
    assert_eq!(
        (
            &told["audit_retention_hour"],
            &told["dry_run"],
            &told["include_event_types"],
            &told["purged_rows"]
        ),
        (&json!(24), &json!(true), &json!(ARTIFACTS), &json!(5976))
    );
    assert!(log(&app, &path).await.contains("dry run: 5976 entries"));
    assert_eq!(
        (left(&app, "artifact").await, left(&app, "project").await),
        (6000, 6000)
    );

    let (path, came_to) = run(&app, &manual(json!(24), ARTIFACTS, false)).await;
    assert_eq!(parameters(&came_to)["purged_rows"], 5976);
    assert!(log(&app, &path).await.contains("removed 5976 entries"));
    assert_eq!(
        (left(&app, "artifact").await, left(&app, "project").await),
        (24, 6000)
    );

    for (hours, kinds) in [(0, "other"), (-1, "other"), (24, ""), (24, " , ")] {
        let (path, came_to) = run(&app, &manual(json!(hours), kinds, false)).await;
        assert_eq!(came_to["job_status"], "Success");
        assert!(log(&app, &path).await.contains("nothing is to be cleared"));
    }
    run(&app, &manual(json!(24), "other", false)).await;
    assert_eq!(
        (left(&app, "artifact").await, left(&app, "project").await),
        (24, 24)
    );
    let list = app.get(&app.admin(), &format!("{PURGE}?page_size=1")).await;
    assert_eq!(list.header("x-total-count"), "7");
}

#[sqlx::test(migrations = "./migrations")]
async fn h92_numbers_out_of_bounds_are_refused(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let none = json!({"schedule": {"type": "None"}});
    let half = json!({"schedule": {"type": "Manual"}, "parameters": {"audit_retention_hour": 1}});
    let other = json!({"schedule": {"type": "Manual"}, "parameters": {"include_event_types": "other"}});
    for (body, part) in [
        (json!({}), "schedule is missing"),
        (none, "audit_retention_hour is missing"),
        (half, "include_event_types is missing"),
        (other, "audit_retention_hour is missing"),
        (manual(json!(240_001), ARTIFACTS, true), "0 to 240000"),
        (manual(json!(239_999_976), ARTIFACTS, true), "0 to 240000"),
        (manual(json!(-5), ARTIFACTS, true), "0 to 240000"),
        (manual(json!("x"), ARTIFACTS, true), "0 to 240000"),
        (manual(json!(1.5), ARTIFACTS, true), "0 to 240000"),
        (
            manual(json!(1), "nope", true),
            "names \\\"nope\\\", allowed are create_artifact",
        ),
    ] {
        for method in [Method::POST, Method::PUT] {
            let answer = app.send_json(&app.admin(), method, SCHEDULE, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {answer:?}");
            let message = answer.json()["errors"][0]["message"].to_string();
            assert!(message.contains(part), "{body}: {message}");
        }
    }
    assert_eq!(app.get(&app.admin(), PURGE).await.json(), json!([]));
    for path in ["99999", "99999/log"] {
        let answer = app.get(&app.admin(), &format!("{PURGE}/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let most = manual(json!(240_000), ARTIFACTS, true);
    let started = app.send_json(&app.admin(), Method::POST, SCHEDULE, &most).await;
    assert_eq!(started.status, StatusCode::CREATED);
    let path = started.header("location").to_owned();
    assert_eq!(
        app.send(&app.admin(), Method::PUT, &path).await.status,
        StatusCode::OK
    );
    assert_eq!(app.get(&app.admin(), &path).await.json()["job_status"], "Stopped");
    // The runs of one chore are not those of another.
    let other = path.replace("purgeaudit", "gc");
    assert_eq!(app.get(&app.admin(), &other).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "./migrations")]
async fn terraform_keeps_a_schedule(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    assert_eq!(app.get(&admin, SCHEDULE).await.body.len(), 0);
    let mut body = json!({"schedule": {"type": "Daily", "cron": "0 0 0 * * *"},
        "parameters": {"audit_retention_hour": 24, "include_event_types": ARTIFACTS, "include_operations": "create"}});
    let made = app.send_json(&admin, Method::POST, SCHEDULE, &body).await;
    assert_eq!(
        (made.status, made.header("location")),
        (StatusCode::CREATED, "/api/v2.0/system/purgeaudit/0")
    );
    let shown = app.get(&admin, SCHEDULE).await.json();
    assert_eq!(
        parameters(&shown),
        json!({"audit_retention_hour": 24, "dry_run": false, "include_event_types": ARTIFACTS})
    );
    assert_eq!(
        shown["schedule"]["next_scheduled_time"],
        "2026-01-03T00:00:00.000Z"
    );
    body["schedule"] = json!({"type": "Weekly", "cron": "0 0 0 * * 0"});
    assert_eq!(
        app.send_json(&admin, Method::PUT, SCHEDULE, &body).await.status,
        StatusCode::OK
    );
    assert_eq!(app.get(&admin, SCHEDULE).await.json()["job_kind"], "0 0 0 * * 0");
    entries(&app, 100).await;
    let _worker = worker(&app, register);
    app.advance(TimeDelta::days(7));
    for _ in 0..3000 {
        let list = app.get(&admin, PURGE).await.json();
        if list[0]["job_status"] == "Success" {
            assert_eq!(
                (&list[0]["job_kind"], left(&app, "artifact").await),
                (&json!("SCHEDULE"), 0)
            );
            body["schedule"] = json!({"type": "None", "cron": ""});
            assert_eq!(
                app.send_json(&admin, Method::PUT, SCHEDULE, &body).await.status,
                StatusCode::OK
            );
            assert_eq!(app.get(&admin, SCHEDULE).await.body.len(), 0);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the schedule does not fire");
}
