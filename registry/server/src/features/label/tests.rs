use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::features::tests::push;
use crate::testing::{Answer, As, TestApp};

const LABELS: &str = "/api/v2.0/labels";
const HELLO: &str = "/api/v2.0/projects/alpha/repositories/hello";
const NOW: &str = "2026-01-02T03:04:05.000Z";

async fn alpha(pool: PgPool) -> (TestApp, As) {
    let app = TestApp::new(pool).await;
    app.create_project("alpha", false).await;
    let admin = app.admin();
    (app, admin)
}

async fn make(app: &TestApp, who: &As, body: Value) -> Answer {
    app.send_json(who, Method::POST, LABELS, &body).await
}

async fn label(app: &TestApp, name: &str, project_id: i64) -> i64 {
    let scope = if project_id == 0 { "g" } else { "p" };
    let body = json!({"name": name, "scope": scope, "project_id": project_id, "color": "#00FF00"});
    let answer = make(app, &app.admin(), body).await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::CREATED, 0),
        "{answer:?}"
    );
    let id = answer
        .header("location")
        .strip_prefix("/api/v2.0/labels/")
        .unwrap();
    id.parse().unwrap()
}

async fn mark(app: &TestApp, reference: &str, id: i64) -> Answer {
    let uri = format!("{HELLO}/artifacts/{reference}/labels");
    app.send_json(&app.admin(), Method::POST, &uri, &json!({"id": id}))
        .await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (status, code),
        "{answer:?}"
    );
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|label| label["name"].as_str().unwrap())
        .collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn labels_are_made_listed_changed_and_deleted(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let prod = label(&app, "prod", 0).await;
    let test = label(&app, "test", 0).await;
    let team = label(&app, "prod", 2).await;
    let read = app.get(&admin, &format!("{LABELS}/{team}")).await.json();
    let expected = json!({
        "id": team, "name": "prod", "scope": "p", "project_id": 2, "color": "#00FF00",
        "creation_time": NOW, "update_time": NOW,
    });
    assert_eq!(read, expected);
    for (query, found) in [
        ("scope=g", &["prod", "test"][..]),
        ("scope=g&name=RO", &["prod"]),
        ("scope=g&q=name%3D~te", &["test"]),
        ("scope=g&q=name%3Dtest", &["test"]),
        ("scope=g&name=pro&q=name%3Dtest", &[]),
        ("scope=g&sort=-name", &["test", "prod"]),
        ("scope=g&page_size=1&page=2", &["test"]),
        ("scope=p&project_id=2", &["prod"]),
    ] {
        let list = app.get(&admin, &format!("{LABELS}?{query}")).await;
        assert_eq!(names(&list.json()), found, "{query}");
    }
    assert_eq!(
        app.get(&As::Nobody, &format!("{LABELS}?scope=g"))
            .await
            .header("x-total-count"),
        "2"
    );
    for query in ["", "?scope=x", "?scope=p"] {
        refused(
            &app.get(&admin, &format!("{LABELS}{query}")).await,
            400,
            "BAD_REQUEST",
        );
    }
    let uri = format!("{LABELS}/{prod}");
    let change =
        json!({"name": "live", "description": "in use", "color": "red", "scope": "p", "project_id": 2});
    assert_eq!(
        app.send_json(&admin, Method::PUT, &uri, &change).await.status,
        StatusCode::OK
    );
    let changed = app.get(&admin, &uri).await.json();
    assert_eq!(
        (
            &changed["name"],
            &changed["description"],
            &changed["color"],
            &changed["scope"]
        ),
        (&json!("live"), &json!("in use"), &json!("red"), &json!("g"))
    );
    let taken = json!({"name": "test"});
    refused(
        &app.send_json(&admin, Method::PUT, &uri, &taken).await,
        409,
        "CONFLICT",
    );
    refused(
        &app.send_json(&admin, Method::PUT, &uri, &json!({"description": "only"}))
            .await,
        400,
        "BAD_REQUEST",
    );
    assert_eq!(
        app.send(&admin, Method::DELETE, &uri).await.status,
        StatusCode::OK
    );
    for method in [Method::GET, Method::DELETE] {
        refused(&app.send(&admin, method, &uri).await, 404, "NOT_FOUND");
    }
    assert_eq!(
        app.get(&admin, &format!("{LABELS}/{test}")).await.status,
        StatusCode::OK
    );
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log WHERE resource_type = 'label'")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(told, 5);
}

#[sqlx::test(migrations = "./migrations")]
async fn labels_that_mean_nothing_are_refused(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    label(&app, "prod", 0).await;
    for (body, status) in [
        (json!({"name": "x"}), 400),
        (json!({"name": "x", "scope": "u"}), 400),
        (json!({"name": "", "scope": "g"}), 400),
        (json!({"scope": "g"}), 400),
        (json!({"name": "n".repeat(129), "scope": "g"}), 400),
        (json!({"name": "x", "scope": "g", "color": "<script>"}), 400),
        (json!({"name": "x", "scope": "p"}), 400),
        (json!({"name": "x", "scope": "p", "project_id": 99}), 404),
        (json!({"name": "prod", "scope": "g"}), 409),
        (json!({"name": 1, "scope": "g"}), 422),
    ] {
        let answer = make(&app, &admin, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
    }
    // A project_id beside the scope g does not matter.
    let global = json!({"name": "y", "scope": "g", "project_id": 2});
    assert_eq!(make(&app, &admin, global).await.status, StatusCode::CREATED);
    assert_eq!(
        app.get(&admin, &format!("{LABELS}?scope=g"))
            .await
            .header("x-total-count"),
        "2"
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn artifacts_carry_labels_and_are_found_by_them(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    push::image(&app, "alpha/hello", Some("v2"), "two").await;
    let other = app.create_project("other", false).await;
    let (global, team) = (label(&app, "prod", 0).await, label(&app, "team", 2).await);
    let foreign = label(&app, "foreign", other).await;

    for (reference, id) in [("v1", global), ("v1", team), ("v2", global)] {
        let marked = mark(&app, reference, id).await;
        assert_eq!(
            (marked.status, marked.body.len()),
            (StatusCode::OK, 0),
            "{marked:?}"
        );
    }
    refused(&mark(&app, "v1", global).await, 409, "CONFLICT");
    for id in [foreign, 99, 0] {
        refused(&mark(&app, "v1", id).await, 404, "NOT_FOUND");
    }
    refused(&mark(&app, "nope", global).await, 404, "NOT_FOUND");

    let artifact = app
        .get(&admin, &format!("{HELLO}/artifacts/v1?with_label=true"))
        .await
        .json();
    assert_eq!(names(&artifact["labels"]), ["prod", "team"]);
    assert_eq!(artifact["labels"][1]["project_id"], 2);
    assert_eq!(
        app.get(&admin, &format!("{HELLO}/artifacts/v1")).await.json()["labels"],
        Value::Null
    );
    let found = async |labels: String| {
        let answer = app
            .get(&admin, &format!("{HELLO}/artifacts?q=labels%3D{labels}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let list = answer.json();
        assert_eq!(
            answer.header("x-total-count"),
            list.as_array().unwrap().len().to_string()
        );
        list.as_array()
            .unwrap()
            .iter()
            .map(|a| a["tags"][0]["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(format!("({global})")).await, ["v2", "v1"]);
    assert_eq!(found(format!("({global}%20{team}%20{team})")).await, ["v1"]);
    assert_eq!(found("(99)".to_owned()).await, [""; 0]);
    for bad in [
        format!("{global}"),
        "(prod)".to_owned(),
        format!("%7B{global}%7D"),
    ] {
        let answer = app
            .get(&admin, &format!("{HELLO}/artifacts?q=labels%3D{bad}"))
            .await;
        refused(&answer, 400, "BAD_REQUEST");
    }

    let uri = format!("{HELLO}/artifacts/v1/labels/{team}");
    assert_eq!(
        app.send(&admin, Method::DELETE, &uri).await.status,
        StatusCode::OK
    );
    refused(&app.send(&admin, Method::DELETE, &uri).await, 404, "NOT_FOUND");
    // A label that goes is on nothing any more.
    assert_eq!(
        app.send(&admin, Method::DELETE, &format!("{LABELS}/{global}"))
            .await
            .status,
        StatusCode::OK
    );
    let bare = app
        .get(&admin, &format!("{HELLO}/artifacts/v1?with_label=true"))
        .await
        .json();
    assert_eq!(bare["labels"], json!([]));
    mark(&app, "v1", team).await;
    assert_eq!(
        app.send(&admin, Method::DELETE, &format!("{HELLO}/artifacts/v1"))
            .await
            .status,
        StatusCode::OK
    );
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM artifact_labels")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrations = "./migrations")]
async fn labels_that_are_put_and_deleted_at_once_leave_nothing_half_done(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    for round in 0..8 {
        let id = label(&app, &format!("l{round}"), 2).await;
        let uri = format!("{LABELS}/{id}");
        let (one, two, gone) = futures::join!(
            mark(&app, "v1", id),
            mark(&app, "v1", id),
            app.send(&admin, Method::DELETE, &uri)
        );
        assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
        for answer in [one, two] {
            assert!(matches!(answer.status.as_u16(), 200 | 404 | 409), "{answer:?}");
        }
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM artifact_labels")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
