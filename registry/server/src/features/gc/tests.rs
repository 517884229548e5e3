//! Garbage collection through the real router, with a worker beside it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use slipway_blobs::MemoryStore;
use sqlx::PgPool;

use super::register;
use crate::distribution::tests::faults::Faulty;
use crate::features::tests::push;
use crate::features::tests::work::{end, log, parameters, start, worker};
use crate::testing::{Answer, As, TestApp};

const GC: &str = "/api/v2.0/system/gc";
const SCHEDULE: &str = "/api/v2.0/system/gc/schedule";

/// With a guard of nothing, and a private project `alpha`.
async fn eager(pool: PgPool) -> TestApp {
    let app = TestApp::with_config(pool, |config| config.gc_grace = Duration::ZERO).await;
    app.create_project("alpha", false).await;
    app
}

async fn send(app: &TestApp, method: Method, body: &Value) -> Answer {
    app.send_json(&app.admin(), method, SCHEDULE, body).await
}

/// Runs once and returns the run's path and what it came to.
async fn run(app: &TestApp, told: Value) -> (String, Value) {
    let _worker = worker(app, register);
    let body = json!({"schedule": {"type": "Manual"}, "parameters": told});
    let path = start(app, SCHEDULE, &body).await;
    let came_to = end(app, &path).await;
    (path, came_to)
}

async fn remove(app: &TestApp, image: &push::Image) {
    let uri = format!("/v2/alpha/app/manifests/{}", image.digest);
    let gone = app.send(&app.admin(), Method::DELETE, &uri).await;
    assert_eq!(gone.status, StatusCode::ACCEPTED, "{gone:?}");
}

async fn objects(app: &TestApp) -> usize {
    app.app.blobs.list(None, 10_000).await.unwrap().len()
}

async fn digests(app: &TestApp) -> Vec<String> {
    let mut digests: Vec<String> = sqlx::query_scalar("SELECT digest FROM manifests")
        .fetch_all(&app.app.pool)
        .await
        .unwrap();
    digests.sort();
    digests
}

fn sorted(images: &[&push::Image]) -> Vec<String> {
    let mut digests: Vec<String> = images.iter().map(|image| image.digest.to_string()).collect();
    digests.sort();
    digests
}

#[sqlx::test(migrations = "./migrations")]
async fn a_dry_run_says_what_the_run_then_does(pool: PgPool) {
    let app = eager(pool).await;
    let kept = push::image(&app, "alpha/app", Some("kept"), "shared").await;
    let gone = push::image(&app, "alpha/app", Some("gone"), "own").await;
    push::image(&app, "alpha/app", None, "untagged").await;
    push::image(&app, "alpha/other", None, "shared").await;
    remove(&app, &gone).await;

    let (path, dry) = run(
        &app,
        json!({"delete_untagged": true, "dry_run": true, "workers": 2}),
    )
    .await;
    assert_eq!(
        (
            &dry["job_name"],
            &dry["job_kind"],
            &dry["job_status"],
            &dry["schedule"]["type"]
        ),
        (
            &json!("GARBAGE_COLLECTION"),
            &json!("MANUAL"),
            &json!("Success"),
            &json!("Manual")
        )
    );
    let told = parameters(&dry);
    assert_eq!(told["purged_manifests"], 2);
    for (name, value) in [
        ("delete_untagged", json!(true)),
        ("delete_tag", json!(false)),
        ("dry_run", json!(true)),
        ("time_window", json!(0)),
        ("workers", json!(2)),
    ] {
        assert_eq!(told[name], value, "{told}");
    }
    let text = log(&app, &path).await;
    assert!(text.contains("2 would be removed"), "{text}");
    assert!(text.contains("are candidates and would be deleted"), "{text}");
    let before = objects(&app).await;
    assert_eq!(digests(&app).await.len(), 3);

    let (path, real) = run(
        &app,
        json!({"delete_untagged": true, "dry_run": false, "workers": 2}),
    )
    .await;
    let did = parameters(&real);
    for name in ["purged_manifests", "purged_blobs", "freed_space"] {
        assert_eq!(did[name], told[name], "{name}: {did}");
    }
    assert_eq!(digests(&app).await, sorted(&[&kept]));
    assert_eq!(
        before - objects(&app).await,
        usize::try_from(did["purged_blobs"].as_u64().unwrap()).unwrap()
    );
    assert!(did["freed_space"].as_u64().unwrap() > 0);
    let text = log(&app, &path).await;
    assert!(text.contains("the store confirmed"), "{text}");
    assert!(text.contains("no candidate is too young"), "{text}");

    let list = app.get(&app.admin(), &format!("{GC}?page_size=1")).await;
    assert_eq!(list.header("x-total-count"), "2");
    assert!(list.header("link").contains("rel=\"next\""), "{list:?}");
    assert_eq!(list.json()[0], app.get(&app.admin(), &path).await.json());
    let oldest = app
        .get(
            &app.admin(),
            &format!("{GC}?sort=start_time&page_size=1&q=nope%3D1"),
        )
        .await;
    assert_eq!(oldest.json()[0]["id"], dry["id"]);
    let none = app.get(&app.admin(), &format!("{GC}?q=status%3DError")).await;
    assert_eq!((none.header("x-total-count"), none.json()), ("0", json!([])));
}

#[sqlx::test(migrations = "./migrations")]
async fn h06_the_log_says_what_is_too_young_and_when_it_is_due(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("alpha", false).await;
    let gone = push::image(&app, "alpha/app", Some("gone"), "own").await;
    push::image(&app, "alpha/app", None, "fresh").await;
    remove(&app, &gone).await;
    for dry_run in [true, false] {
        let (path, came_to) = run(&app, json!({"delete_untagged": true, "dry_run": dry_run})).await;
        let told = parameters(&came_to);
        assert_eq!(
            (
                &told["time_window"],
                &told["freed_space"],
                &told["purged_blobs"],
                &told["purged_manifests"]
            ),
            (&json!(2), &json!(0), &json!(0), &json!(0))
        );
        let text = log(&app, &path).await;
        assert!(
            text.contains("2 candidates are too young, the next one is due at 2026-01-02T05:04:05Z"),
            "{text}"
        );
        assert!(
            text.contains("1 too young (pushed less than 7200 seconds ago)"),
            "{text}"
        );
    }
    app.advance(TimeDelta::hours(2) + TimeDelta::seconds(1));
    let (_, came_to) = run(&app, json!({"delete_untagged": true})).await;
    let told = parameters(&came_to);
    assert_eq!(
        (&told["purged_blobs"], &told["purged_manifests"]),
        (&json!(2), &json!(1))
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn h31_untagged_artifacts_that_retention_keeps_stay(pool: PgPool) {
    let app = eager(pool).await;
    let admin = app.admin();
    let rule = json!({
        "action": "retain", "template": "latestPushedK", "params": {"latestPushedK": 3},
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**", "extras": "{\"untagged\":true}"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "app"}]},
    });
    let policy = json!({
        "algorithm": "or", "rules": [rule], "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
        "scope": {"level": "project", "ref": 2},
    });
    let added = app
        .send_json(&admin, Method::POST, "/api/v2.0/retentions", &policy)
        .await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let mut pushed = Vec::new();
    for n in 0..5 {
        app.advance(TimeDelta::minutes(1));
        pushed.push(push::image(&app, "alpha/app", Some("x"), &format!("content {n}")).await);
    }
    push::image(&app, "alpha/free", None, "no rule looks here").await;
    let (path, came_to) = run(&app, json!({"delete_untagged": true})).await;
    assert_eq!(parameters(&came_to)["purged_manifests"], 3, "{came_to}");
    assert_eq!(digests(&app).await, sorted(&[&pushed[2], &pushed[3], &pushed[4]]));
    let text = log(&app, &path).await;
    assert!(text.contains("3 removed, 2 kept by retention"), "{text}");
    let told = "SELECT count(*) FROM audit_log WHERE operation = 'delete' AND username = 'garbage collection'
                AND description LIKE '%by garbage collection'";
    let told: i64 = sqlx::query_scalar(told).fetch_one(&app.app.pool).await.unwrap();
    assert_eq!(told, 3);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_belongs_to_something_that_stays_stays(pool: PgPool) {
    let app = eager(pool).await;
    let child = push::image(&app, "alpha/app", None, "child").await;
    let index = push::index(&app, "alpha/app", "multi", &[&child]).await;
    let signature = push::referrer(&app, "alpha/app", &index, "application/vnd.example.signature").await;
    let of_child = push::referrer(&app, "alpha/app", &child, "application/vnd.example.sbom").await;
    let loose = push::image(&app, "alpha/app", None, "loose").await;
    push::referrer(&app, "alpha/app", &loose, "application/vnd.example.lost").await;
    let lost_child = push::image(&app, "alpha/app", None, "lost child").await;
    let lost_index = push::index(&app, "alpha/app", "moves", &[&lost_child]).await;
    let moved = push::image(&app, "alpha/app", Some("moves"), "moved").await;
    assert_eq!(digests(&app).await.len(), 9);
    let (_, came_to) = run(&app, json!({"delete_untagged": true})).await;
    assert_eq!(
        digests(&app).await,
        sorted(&[&child, &index, &signature, &of_child, &moved]),
        "{lost_index:?}"
    );
    assert_eq!(parameters(&came_to)["purged_manifests"], 4);
}

#[sqlx::test(migrations = "./migrations")]
async fn h02_only_what_the_store_confirmed_counts_as_freed(pool: PgPool) {
    let store = Faulty::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |config| config.gc_grace = Duration::ZERO).await;
    app.create_project("alpha", false).await;
    let gone = push::image(&app, "alpha/app", Some("gone"), "own").await;
    remove(&app, &gone).await;
    store.fail(true);
    let (path, came_to) = run(&app, json!({})).await;
    assert_eq!(came_to["job_status"], "Error");
    let told = parameters(&came_to);
    assert_eq!(
        (&told["freed_space"], &told["purged_blobs"]),
        (&json!(0), &json!(0))
    );
    let text = log(&app, &path).await;
    assert!(
        text.contains("[ERROR]") && text.contains("refused to delete 2 objects"),
        "{text}"
    );
    store.fail(false);
    let (_, dry) = run(&app, json!({"dry_run": true})).await;
    let (_, came_to) = run(&app, json!({})).await;
    assert_eq!(came_to["job_status"], "Success");
    let told = parameters(&came_to);
    assert_eq!(told["purged_blobs"], 2);
    assert_eq!(told["freed_space"], parameters(&dry)["freed_space"]);
    assert!(told["freed_space"].as_u64().unwrap() > 0);
}

#[sqlx::test(migrations = "./migrations")]
async fn terraform_and_the_cli_keep_a_schedule(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let empty = app.get(&admin, SCHEDULE).await;
    assert_eq!((empty.status, empty.body.len()), (StatusCode::OK, 0), "{empty:?}");
    // Without a schedule Terraform's provider creates one, otherwise it changes it.
    let daily = json!({"schedule": {"type": "Daily", "cron": "0 0 0 * * *"},
                       "parameters": {"delete_untagged": true, "workers": 3}});
    let made = send(&app, Method::POST, &daily).await;
    assert_eq!(
        (made.status, made.header("location"), made.body.len()),
        (StatusCode::CREATED, "/api/v2.0/system/gc/0", 0)
    );
    let shown = app.get(&admin, SCHEDULE).await.json();
    assert_eq!(
        shown["schedule"],
        json!({"type": "Daily", "cron": "0 0 0 * * *", "next_scheduled_time": "2026-01-03T00:00:00.000Z"})
    );
    assert_eq!(
        (
            &shown["job_kind"],
            &shown["job_status"],
            shown.get("job_name"),
            shown.get("deleted")
        ),
        (&json!("0 0 0 * * *"), &json!("Running"), None, None)
    );
    assert_eq!(
        parameters(&shown),
        json!({"delete_untagged": true, "delete_tag": false, "workers": 3})
    );
    for (kind, cron, kept) in [
        ("Hourly", "0 0 * * * *", "0 0 * * * *"),
        ("Weekly", "0 0 0 * * 0", "0 0 0 * * 0"),
        (
            "Custom",
            "0 15/30  2-4 ? JAN,MAR mon-fri ",
            "0 15/30 2-4 ? JAN,MAR mon-fri",
        ),
        ("Schedule", "0 5 * * * *", "0 5 * * * *"),
    ] {
        let body = json!({"schedule": {"type": kind, "cron": cron}, "parameters": {"workers": 5}});
        let changed = send(&app, Method::PUT, &body).await;
        assert_eq!(
            (changed.status, changed.body.len()),
            (StatusCode::OK, 0),
            "{changed:?}"
        );
        let shown = app.get(&admin, SCHEDULE).await.json()["schedule"].clone();
        assert_eq!((&shown["type"], &shown["cron"]), (&json!(kind), &json!(kept)));
    }
    // A run by hand leaves the schedule alone.
    let manual = send(&app, Method::PUT, &json!({"schedule": {"type": "Manual"}})).await;
    assert_eq!(manual.status, StatusCode::OK);
    assert_eq!(
        app.get(&admin, SCHEDULE).await.json()["schedule"]["type"],
        "Schedule"
    );
    for method in [Method::PUT, Method::POST] {
        let none = send(&app, method, &json!({"schedule": {"type": "None", "cron": ""}})).await;
        assert!(none.status.is_success(), "{none:?}");
        assert_eq!(app.get(&admin, SCHEDULE).await.body.len(), 0);
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn what_cannot_be_is_refused_with_a_remedy(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let manual = |told: Value| json!({"schedule": {"type": "Manual"}, "parameters": told});
    let by = |kind: &str, cron: &str| json!({"schedule": {"type": kind, "cron": cron}});
    for (body, status, part) in [
        (json!({}), 400, "schedule is missing"),
        (json!({"schedule": {}}), 400, "schedule.type is missing"),
        (by("Moon", ""), 422, "should be one of [Hourly"),
        (by("Hourly", ""), 400, "found 0"),
        (by("Custom", "x"), 400, "expected exactly 6 fields, found 1"),
        (by("Custom", "0 0 0 * *"), 400, "found 5"),
        (
            by("Custom", "5 0 0 * * *"),
            400,
            "1st field (seconds) is \\\"5\\\" and must be 0",
        ),
        (by("Weekly", "0 0 0 * * 7"), 400, "0 to 6"),
        (by("Daily", "@daily"), 400, "found 1"),
        (manual(json!({"workers": 0})), 400, "1 to 10"),
        (manual(json!({"workers": 11})), 400, "1 to 10"),
        (manual(json!({"workers": "x"})), 400, "1 to 10"),
        (manual(json!({"delete_untagged": "yes"})), 400, "true and false"),
        (manual(json!({"dry_run": 1})), 400, "parameters.dry_run is 1"),
    ] {
        for method in [Method::POST, Method::PUT] {
            let answer = send(&app, method, &body).await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
            let message = answer.json()["errors"][0]["message"].to_string();
            assert!(message.contains(part), "{body}: {message}");
        }
    }
    assert_eq!(app.get(&app.admin(), GC).await.json(), json!([]));
    for (path, status) in [("99999", 404), ("99999/log", 404), ("x", 422)] {
        let answer = app.get(&app.admin(), &format!("{GC}/{path}")).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
    }
    let stop = app.send(&app.admin(), Method::PUT, &format!("{GC}/99999")).await;
    assert_eq!(stop.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "./migrations")]
async fn h42_the_log_is_there_before_the_run_and_on_every_replica(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let other = app.replica().await;
    let path = start(&app, SCHEDULE, &json!({"schedule": {"type": "Manual"}})).await;
    assert_eq!(log(&other, &path).await, "");
    assert_eq!(
        other.get(&other.admin(), &path).await.json()["job_status"],
        "Running"
    );
    let stopped = other.send(&other.admin(), Method::PUT, &path).await;
    assert_eq!((stopped.status, stopped.body.len()), (StatusCode::OK, 0));
    let ended = app.get(&app.admin(), &path).await.json();
    assert_eq!(ended["job_status"], "Stopped");
    // Stopping once more is no error.
    assert_eq!(
        app.send(&app.admin(), Method::PUT, &path).await.status,
        StatusCode::OK
    );
    let (path, _) = run(&app, json!({})).await;
    assert!(
        log(&other, &path)
            .await
            .contains("[INFO] [garbage_collection]: garbage collection begins")
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn h23_the_schedule_starts_one_run_at_a_time(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let hourly =
        json!({"schedule": {"type": "Hourly", "cron": "0 0 * * * *"}, "parameters": {"dry_run": true}});
    assert_eq!(
        send(&app, Method::POST, &hourly).await.status,
        StatusCode::CREATED
    );
    // A run that nobody begins, as long as it waits.
    let waiting = start(&app, SCHEDULE, &json!({"schedule": {"type": "Manual"}})).await;
    let pause = "INSERT INTO job_pauses VALUES ('garbage_collection', now())";
    sqlx::query(pause).execute(&app.app.pool).await.unwrap();
    app.advance(TimeDelta::hours(1));
    let workers = [
        worker(&app, register),
        worker(&app, register),
        worker(&app, register),
    ];
    let skipped = "SELECT count(*) FROM job_logs WHERE line = 'skipped: the run before goes on'";
    until(&app, skipped, 1).await;
    sqlx::query("DELETE FROM job_pauses")
        .execute(&app.app.pool)
        .await
        .unwrap();
    end(&app, &waiting).await;
    app.advance(TimeDelta::hours(3));
    let fired = "SELECT count(*) FROM job_executions WHERE trigger = 'schedule' AND ended_at IS NOT NULL";
    until(&app, fired, 1).await;
    drop(workers);
    let list = app.get(&app.admin(), GC).await.json();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    assert_eq!(
        (
            &list[0]["job_kind"],
            &list[0]["schedule"]["type"],
            &parameters(&list[0])["dry_run"]
        ),
        (&json!("SCHEDULE"), &json!("Schedule"), &json!(true))
    );
}

async fn until(app: &TestApp, sql: &'static str, count: i64) {
    for _ in 0..3000 {
        let found: i64 = sqlx::query_scalar(sql).fetch_one(&app.app.pool).await.unwrap();
        if found >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for {sql}");
}

#[sqlx::test(migrations = "./migrations")]
async fn administrators_and_robots_that_were_granted_it_may(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dev = app.create_user("dev").await;
    let manual = json!({"schedule": {"type": "Manual"}});
    let grants = json!([{"kind": "system", "namespace": "/", "access": [
        {"resource": "garbage-collection", "action": "create"}, {"resource": "garbage-collection", "action": "read"}]}]);
    let robot = app.create_system_robot("gc", grants).await;
    for (who, status) in [(&dev, 403), (&As::Nobody, 401), (&robot, 201)] {
        let answer = app.send_json(who, Method::POST, SCHEDULE, &manual).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
    assert_eq!(app.get(&robot, GC).await.status, StatusCode::FORBIDDEN);
    let told =
        "SELECT count(*) FROM audit_log WHERE operation = 'create' AND resource_type = 'garbage_collection'";
    let told: i64 = sqlx::query_scalar(told).fetch_one(&app.app.pool).await.unwrap();
    assert_eq!(told, 1);
}
