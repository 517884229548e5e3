//! The job queue through the real router, with workers beside it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_jobs::{JobContext, JobError, JobId, JobSettings, NewJob, Registry, queue};
use sqlx::PgPool;

use crate::features::tests::work::worker;
use crate::kernel::app::App;
use crate::testing::{As, TestApp};

const POOLS: &str = "/api/v2.0/jobservice/pools";
const QUEUES: &str = "/api/v2.0/jobservice/queues";
const JOBS: &str = "/api/v2.0/jobservice/jobs";
const SCHEDULES: &str = "/api/v2.0/schedules";

/// A kind that says one line and then works until it is asked to end.
fn endless(registry: &mut Registry, _: &App) {
    let settings = JobSettings::default();
    registry.register(
        "retention",
        settings,
        |context: JobContext, _: Value| async move {
            context.log("at work");
            context.cancelled().await;
            Err(JobError::retry("asked to end"))
        },
    );
}

async fn enqueue(app: &TestApp, kind: &str) -> JobId {
    let mut conn = app.app.pool.acquire().await.unwrap();
    let job = NewJob::new(kind, &Value::Null).unwrap();
    queue::enqueue(&mut conn, &app.app.clock, job).await.unwrap()
}

async fn act(app: &TestApp, queue: &str, action: &str) {
    let body = json!({"action": action});
    let answer = app
        .send_json(&app.admin(), Method::PUT, &format!("{QUEUES}/{queue}"), &body)
        .await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::OK, 0),
        "{answer:?}"
    );
}

async fn queue_of(app: &TestApp, job_type: &str) -> Value {
    let queues = app.get(&app.admin(), QUEUES).await.json();
    let found = queues
        .as_array()
        .unwrap()
        .iter()
        .find(|queue| queue["job_type"] == job_type);
    found.unwrap_or_else(|| panic!("{queues}")).clone()
}

async fn state(app: &TestApp, id: JobId) -> String {
    sqlx::query_scalar("SELECT state FROM jobs WHERE id = $1")
        .bind(id.0)
        .fetch_one(&app.app.pool)
        .await
        .unwrap()
}

async fn becomes(app: &TestApp, id: JobId, wanted: &str) {
    for _ in 0..3000 {
        if state(app, id).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("job {id} does not become {wanted}");
}

#[sqlx::test(migrations = "./migrations")]
async fn pools_and_workers_are_those_that_live(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    assert_eq!(app.get(&admin, POOLS).await.json(), json!([]));
    assert_eq!(
        app.get(&admin, &format!("{POOLS}/all/workers")).await.json(),
        json!([])
    );
    let id = enqueue(&app, "retention").await;
    let working = worker(&app, endless);
    becomes(&app, id, "running").await;
    let shown = app.get(&admin, POOLS).await.json();
    let own = &shown[0];
    assert_eq!(
        (&own["pid"], &own["concurrency"], shown.as_array().unwrap().len()),
        (&json!(std::process::id()), &json!(16), 1)
    );
    assert!(
        own["host"].is_string() && own["start_at"].is_string() && own["heartbeat_at"].is_string(),
        "{own}"
    );
    let name = own["worker_pool_id"].as_str().unwrap();
    for path in ["all", name] {
        let workers = app.get(&admin, &format!("{POOLS}/{path}/workers")).await.json();
        let workers = workers.as_array().unwrap();
        assert_eq!(workers.len(), 16);
        assert_eq!(
            (
                &workers[0]["job_name"],
                &workers[0]["job_id"],
                &workers[0]["pool_id"]
            ),
            (&json!("RETENTION"), &json!(id.to_string()), &json!(name))
        );
        assert!(workers[0]["start_at"].is_string());
        assert_eq!(workers[1], json!({"id": format!("{name}-1"), "pool_id": name}));
    }
    let unknown = app.get(&admin, &format!("{POOLS}/nope/workers")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    let log = app.get(&admin, &format!("{JOBS}/{id}/log")).await;
    assert_eq!(
        (log.status, log.header("content-type")),
        (StatusCode::OK, "text/plain")
    );
    let stop = json!({"action": "stop"});
    let answer = app
        .send_json(&admin, Method::PUT, &format!("{JOBS}/{id}"), &stop)
        .await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    becomes(&app, id, "stopped").await;
    let log = app.get(&admin, &format!("{JOBS}/{id}/log")).await;
    assert!(
        String::from_utf8_lossy(&log.body).contains("[INFO] [retention]: at work"),
        "{log:?}"
    );

    let second = enqueue(&app, "retention").await;
    becomes(&app, second, "running").await;
    app.send(&admin, Method::PUT, &format!("{JOBS}/all")).await;
    becomes(&app, second, "stopped").await;
    for path in ["nope", "99999", "9999999999999999999999", &second.to_string()] {
        let answer = app
            .send_json(&admin, Method::PUT, &format!("{JOBS}/{path}"), &stop)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    for path in ["nope", "99999"] {
        let answer = app.get(&admin, &format!("{JOBS}/{path}/log")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    drop(working);
    for _ in 0..3000 {
        if app.get(&admin, POOLS).await.json() == json!([]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the worker that ended is still shown");
}

#[sqlx::test(migrations = "./migrations")]
async fn queues_are_paused_resumed_and_emptied(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let names: Vec<String> = app
        .get(&app.admin(), QUEUES)
        .await
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|queue| queue["job_type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "AUDIT_LOGS_GDPR_COMPLIANT",
            "EXECUTION_SWEEP",
            "GARBAGE_COLLECTION",
            "IMAGE_SCAN",
            "P2P_PREHEAT",
            "PURGE_AUDIT_LOG",
            "REPLICATION",
            "RETENTION",
            "SCAN_DATA_EXPORT",
            "SCHEDULER",
            "SLACK",
            "SYSTEM_ARTIFACT_CLEANUP",
            "WEBHOOK",
        ]
    );
    assert_eq!(
        queue_of(&app, "RETENTION").await,
        json!({"job_type": "RETENTION", "paused": false})
    );
    let _workers = [worker(&app, endless), worker(&app, endless)];
    act(&app, "retention", "Pause").await;
    let id = enqueue(&app, "retention").await;
    let own = enqueue(&app, "not_harbors").await;
    app.advance(chrono::TimeDelta::seconds(7));
    assert_eq!(
        queue_of(&app, "RETENTION").await,
        json!({"job_type": "RETENTION", "count": 1, "latency": 7, "paused": true})
    );
    assert_eq!(queue_of(&app, "NOT_HARBORS").await["count"], 1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(state(&app, id).await, "pending");
    act(&app, "RETENTION", "resume").await;
    becomes(&app, id, "running").await;

    act(&app, "all", "pause").await;
    let waiting = enqueue(&app, "retention").await;
    let paused = app.get(&app.admin(), &format!("{SCHEDULES}/all/paused")).await;
    assert_eq!(paused.json(), json!({"paused": true}));
    act(&app, "RETENTION", "stop").await;
    assert_eq!(
        (
            state(&app, waiting).await.as_str(),
            state(&app, id).await.as_str()
        ),
        ("stopped", "running")
    );
    assert_eq!(state(&app, own).await, "pending");
    act(&app, "not_harbors", "stop").await;
    assert_eq!(state(&app, own).await, "stopped");
    act(&app, "all", "resume").await;
    let paused = app.get(&app.admin(), &format!("{SCHEDULES}/all/paused")).await;
    assert_eq!(paused.json(), json!({"paused": false}));
    act(&app, "NOPE", "pause").await;

    for (body, status) in [(json!({"action": "fly"}), 422), (json!({}), 400)] {
        let uri = format!("{QUEUES}/REPLICATION");
        let answer = app.send_json(&app.admin(), Method::PUT, &uri, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn schedules_are_listed_in_harbors_words(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    super::put_schedules(&app.app).await.unwrap();
    let weekly = json!({"schedule": {"type": "Weekly", "cron": "0 0 0 * * 0"}});
    let gc = app
        .send_json(&admin, Method::POST, "/api/v2.0/system/gc/schedule", &weekly)
        .await;
    assert_eq!(gc.status, StatusCode::CREATED);
    let id = app.create_project("alpha", false).await;
    let policy = json!({"algorithm": "or", "rules": [],
        "trigger": {"kind": "Schedule", "settings": {"cron": "0 30 2 * * *"}}, "scope": {"level": "project", "ref": id}});
    let added = app
        .send_json(&admin, Method::POST, "/api/v2.0/retentions", &policy)
        .await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let all = app.get(&admin, SCHEDULES).await;
    assert_eq!(all.header("x-total-count"), "3");
    let mut shown = all.json();
    for schedule in shown.as_array_mut().unwrap() {
        let schedule = schedule.as_object_mut().unwrap();
        assert!(schedule.remove("update_time").is_some() && schedule.remove("id").is_some());
    }
    assert_eq!(
        shown,
        json!([
            {"vendor_type": "EXECUTION_SWEEP", "vendor_id": -1, "cron": "0 0 0 * * *"},
            {"vendor_type": "GARBAGE_COLLECTION", "vendor_id": -1, "cron": "0 0 0 * * 0"},
            {"vendor_type": "RETENTION", "vendor_id": 1, "cron": "0 30 2 * * *"},
        ])
    );
    let page = app.get(&admin, &format!("{SCHEDULES}?page=2&page_size=2")).await;
    assert_eq!(page.json().as_array().unwrap().len(), 1);
    assert!(page.header("link").contains("rel=\"prev\""), "{page:?}");
    assert_eq!(
        app.get(&admin, &format!("{SCHEDULES}?page_size=101"))
            .await
            .status
            .as_u16(),
        422
    );
    for path in ["GARBAGE_COLLECTION", "nope"] {
        let answer = app.get(&admin, &format!("{SCHEDULES}/{path}/paused")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn robots_watch_and_stop_as_they_were_granted(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dev = app.create_user("dev").await;
    let grants = json!([{"kind": "system", "namespace": "/", "access": [
        {"resource": "jobservice-monitor", "action": "list"}]}]);
    let robot = app.create_system_robot("watch", grants).await;
    let id = enqueue(&app, "retention").await;
    let body = json!({"action": "pause"});
    for (who, list, other) in [(&dev, 403, 403), (&As::Nobody, 401, 401), (&robot, 200, 403)] {
        for path in [POOLS, QUEUES, SCHEDULES, &format!("{POOLS}/all/workers")] {
            assert_eq!(app.get(who, path).await.status.as_u16(), list, "{path}");
        }
        let log = app.get(who, &format!("{JOBS}/{id}/log")).await;
        let queue = app
            .send_json(who, Method::PUT, &format!("{QUEUES}/RETENTION"), &body)
            .await;
        let stop = app
            .send_json(who, Method::PUT, &format!("{JOBS}/{id}"), &body)
            .await;
        for answer in [log, queue, stop] {
            assert_eq!(answer.status.as_u16(), other, "{answer:?}");
        }
    }
    for (who, status) in [(&dev, 200), (&As::Nobody, 401), (&robot, 200)] {
        let paused = app.get(who, &format!("{SCHEDULES}/all/paused")).await;
        assert_eq!(paused.status.as_u16(), status);
    }
    assert_eq!(state(&app, id).await, "pending");
}
