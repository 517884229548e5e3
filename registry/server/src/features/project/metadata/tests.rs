use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{Answer, TestApp};

const ALL: &str = "/api/v2.0/projects/alpha/metadatas/";

async fn alpha(pool: PgPool) -> TestApp {
    let app = TestApp::new(pool).await;
    app.create_project("alpha", false).await;
    app
}

async fn add(app: &TestApp, body: Value) -> Answer {
    app.send_json(&app.admin(), Method::POST, ALL, &body).await
}

async fn put(app: &TestApp, name: &str, body: Value) -> Answer {
    let uri = format!("{ALL}{name}");
    app.send_json(&app.admin(), Method::PUT, &uri, &body).await
}

async fn get(app: &TestApp, name: &str) -> Value {
    app.get(&app.admin(), &format!("{ALL}{name}")).await.json()
}

#[sqlx::test(migrations = "./migrations")]
async fn settings_are_added_read_set_and_removed_one_by_one(pool: PgPool) {
    let app = alpha(pool).await;
    assert_eq!(get(&app, "").await, json!({"public": "false"}));
    let added = add(&app, json!({"severity": "HIGH"})).await;
    assert_eq!((added.status, added.body.len()), (StatusCode::OK, 0), "{added:?}");
    assert_eq!(get(&app, "severity").await, json!({"severity": "high"}));
    assert_eq!(get(&app, "auto_scan").await, json!({}));
    let again = add(&app, json!({"severity": "low"})).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "CONFLICT"));
    for (name, value, kept) in [
        ("severity", "low", "low"),
        ("auto_scan", "1", "true"),
        ("proxy_speed_kb", "100", "100"),
        ("public", "true", "true"),
    ] {
        let set = put(&app, name, json!({name: value, "other": "ignored"})).await;
        assert_eq!(set.status, StatusCode::OK, "{name}: {set:?}");
        assert_eq!(get(&app, name).await, json!({name: kept}));
    }
    assert_eq!(
        add(&app, json!({"public": "true"})).await.status,
        StatusCode::CONFLICT
    );
    let project = app.get(&app.admin(), "/api/v2.0/projects/alpha").await.json();
    assert_eq!(project["metadata"], get(&app, "").await);

    for name in ["public", "auto_scan", "auto_scan", "nonsense"] {
        let removed = app
            .send(&app.admin(), Method::DELETE, &format!("{ALL}{name}"))
            .await;
        assert_eq!(removed.status, StatusCode::OK, "{name}: {removed:?}");
    }
    let left = json!({"public": "false", "severity": "low", "proxy_speed_kb": "100"});
    assert_eq!(get(&app, "").await, left);
    assert_eq!(add(&app, json!({"public": "false"})).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_is_no_setting_is_refused(pool: PgPool) {
    let app = alpha(pool).await;
    for body in [
        json!({}),
        json!({"auto_scan": "true", "severity": "low"}),
        json!({"nonsense": "1"}),
        json!({"retention_id": "5"}),
        json!({"auto_scan": "bogus"}),
        json!({"max_upstream_conn": "many"}),
    ] {
        let answer = add(&app, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "BAD_REQUEST"),
            "{body}"
        );
    }
    assert_eq!(add(&app, json!({"auto_scan": true})).await.status.as_u16(), 422);
    let other = put(&app, "auto_scan", json!({"public": "true"})).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "{other:?}");
    assert_eq!(
        put(&app, "public", json!({"public": "TRUE"})).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(get(&app, "").await, json!({"public": "false"}));
}

#[sqlx::test(migrations = "./migrations")]
async fn a_change_is_told_and_bites_at_once(pool: PgPool) {
    let app = alpha(pool).await;
    let nobody = crate::testing::As::Nobody;
    let repositories = "/api/v2.0/projects/alpha/repositories";
    assert_eq!(
        app.get(&nobody, repositories).await.status,
        StatusCode::UNAUTHORIZED
    );
    put(&app, "public", json!({"public": "true"})).await;
    assert_eq!(app.get(&nobody, repositories).await.status, StatusCode::OK);
    // The same again is no change.
    put(&app, "public", json!({"public": "true"})).await;
    for sql in [
        "SELECT count(*) FROM audit_log WHERE resource = 'alpha' AND operation = 'update'",
        "SELECT count(*) FROM events WHERE kind = 'project.updated' AND payload ->> 'public' = 'true'",
    ] {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&app.app.pool).await.unwrap();
        assert_eq!(count, 1, "{sql}");
    }
}
