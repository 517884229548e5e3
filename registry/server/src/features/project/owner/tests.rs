use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{Answer, As, TestApp};

async fn create(app: &TestApp, who: &As, body: Value) -> Answer {
    app.send_json(who, Method::POST, "/api/v2.0/projects", &body)
        .await
}

#[sqlx::test(migrations = "./migrations")]
async fn the_mark_decides_who_owns_a_project(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let mark = |uid: &str| json!({"cluster": "c1", "namespace": "team", "name": "a", "uid": uid});
    let body = json!({"project_name": "alpha", "owner_mark": mark("u1")});
    assert_eq!(
        create(&app, &admin, body.clone()).await.status,
        StatusCode::CREATED
    );
    let owner = "/api/slipway/v1/projects/alpha/owner";
    assert_eq!(app.get(&admin, owner).await.json(), mark("u1"));
    assert_eq!(
        app.get(&admin, "/api/slipway/v1/projects/library/owner")
            .await
            .json(),
        Value::Null
    );

    assert_eq!(
        app.send_json(&admin, Method::PUT, owner, &mark("u1"))
            .await
            .status,
        StatusCode::OK
    );
    let refused = app.send_json(&admin, Method::PUT, owner, &mark("u2")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.json()["errors"][0]["detail"], mark("u1"));
    app.send(&admin, Method::DELETE, &format!("{owner}?uid=u2")).await;
    assert_eq!(app.get(&admin, owner).await.json(), mark("u1"));
    let taken = app
        .send_json(
            &admin,
            Method::PUT,
            &format!("{owner}?takeover=true"),
            &mark("u2"),
        )
        .await;
    assert_eq!(taken.status, StatusCode::OK);

    let found = app.get(&admin, "/api/slipway/v1/projects?owner_uid=u2").await;
    assert_eq!(
        found.json(),
        json!([{"project_id": 2, "name": "alpha", "owner": mark("u2")}])
    );
    assert_eq!(
        app.get(&admin, "/api/slipway/v1/projects?owner_cluster=c2")
            .await
            .json(),
        json!([])
    );
    app.send(&admin, Method::DELETE, &format!("{owner}?uid=u2")).await;
    assert_eq!(app.get(&admin, owner).await.json(), Value::Null);

    let bad = app
        .send_json(
            &admin,
            Method::PUT,
            owner,
            &json!({"uid": "u", "cluster": "", "namespace": "n", "name": "n"}),
        )
        .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let dev = app.create_user("dev").await;
    assert_eq!(
        create(
            &app,
            &dev,
            json!({"project_name": "mine", "owner_mark": mark("u3")})
        )
        .await
        .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(app.get(&dev, owner).await.status, StatusCode::FORBIDDEN);
}
