use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::TestApp;

const MEMBERS: &str = "/api/v2.0/projects/alpha/members";

#[sqlx::test(migrations = "./migrations")]
async fn members_come_change_and_go(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    let dev = app.create_user("dev").await;
    app.create_user("guest").await;

    let body = json!({"role_id": 2, "member_user": {"username": "dev"}});
    let answer = app.send_json(&admin, Method::POST, MEMBERS, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let location = answer.header("location").to_owned();
    assert!(
        location.starts_with("/api/v2.0/projects/alpha/members/"),
        "{location}"
    );
    let id: i64 = location.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(
        app.get(&admin, &location).await.json(),
        json!({
            "id": id, "project_id": 2, "entity_id": 3, "entity_name": "dev", "entity_type": "u",
            "role_id": 2, "role_name": "developer",
        })
    );
    assert_eq!(
        app.get(&dev, "/api/v2.0/projects/alpha").await.json()["current_user_role_ids"],
        json!([2])
    );
    assert_eq!(
        app.send_json(&admin, Method::POST, MEMBERS, &body).await.status,
        StatusCode::CONFLICT
    );

    let list = app.get(&dev, MEMBERS).await;
    assert_eq!(
        (
            list.header("x-total-count"),
            list.json().as_array().unwrap().len()
        ),
        ("1", 1)
    );
    let none = app.get(&dev, &format!("{MEMBERS}?entityname=de")).await;
    assert_eq!((none.header("x-total-count"), none.json()), ("0", json!([])));

    app.send_json(&admin, Method::PUT, &location, &json!({"role_id": 5}))
        .await;
    assert_eq!(app.get(&dev, MEMBERS).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        app.send(&admin, Method::DELETE, &location).await.status,
        StatusCode::OK
    );
    assert_eq!(
        app.get(&dev, "/api/v2.0/projects/alpha").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(app.get(&admin, &location).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        app.send(&admin, Method::DELETE, &location).await.status,
        StatusCode::OK
    );

    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM events ORDER BY id")
        .fetch_all(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(kinds, ["member.created", "member.updated", "member.deleted"]);
}

#[sqlx::test(migrations = "./migrations")]
async fn bad_members_are_refused(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let id = app.create_project("alpha", false).await;
    app.create_user("dev").await;
    app.add_member(id, "dev", 2).await;
    for (body, status) in [
        (json!({}), 400),
        (json!({"role_id": 2}), 400),
        (json!({"role_id": 9, "member_user": {"username": "admin"}}), 400),
        (json!({"role_id": 0, "member_user": {"username": "admin"}}), 400),
        (json!({"role_id": 2, "member_user": {"user_id": 999}}), 400),
        (json!({"role_id": 2, "member_user": {"username": "DEV"}}), 404),
        (json!({"role_id": 2, "member_group": {"group_name": "g"}}), 400),
        (json!({"role_id": "2"}), 422),
    ] {
        let answer = app.send_json(&admin, Method::POST, MEMBERS, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
    }
    // A role that is none would shut a member out without a word.
    let member = app.get(&admin, MEMBERS).await.json()[0]["id"].clone();
    let answer = app
        .send_json(&admin, Method::PUT, &format!("{MEMBERS}/{member}"), &json!({}))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    // A membership of another project.
    let other = format!("/api/v2.0/projects/library/members/{member}");
    assert_eq!(app.get(&admin, &other).await.status, StatusCode::NOT_FOUND);
    app.send(&admin, Method::DELETE, &other).await;
    assert_eq!(
        app.get(&admin, &format!("{MEMBERS}/{member}")).await.json()["role_id"],
        2
    );
    assert_eq!(
        app.get(&admin, &format!("{MEMBERS}/x")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let missing = app.get(&admin, "/api/v2.0/projects/nope/members").await;
    assert_eq!(
        (missing.status, missing.json()["errors"][0]["code"].clone()),
        (StatusCode::NOT_FOUND, Value::from("NOT_FOUND"))
    );
}
