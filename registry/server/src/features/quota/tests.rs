use axum::http::{Method, StatusCode};
use serde_json::json;
use slipway_model::Digest;
use sqlx::{PgConnection, PgPool};

use super::admit::{admit, readable};
use crate::error::Result;
use crate::features::tests::push;
use crate::testing::TestApp;

async fn holding(conn: &mut PgConnection, project_id: i64, contents: &[(&Digest, i64)]) -> Result<()> {
    let (digests, sizes): (Vec<_>, Vec<_>) = contents
        .iter()
        .map(|(digest, size)| (digest.to_string(), *size))
        .unzip();
    admit(conn, project_id, &digests, &sizes).await
}

#[test]
fn amounts_are_readable() {
    for (bytes, text) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024 * 1024 - 1, "1023.9 KiB"),
        (3 << 30, "3.0 GiB"),
        (1 << 50, "1.0 PiB"),
    ] {
        assert_eq!(readable(bytes), text);
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_quota_has_harbors_shape(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    let used = app.get(&admin, "/api/v2.0/quotas/2").await.json()["used"]["storage"]
        .as_i64()
        .unwrap();
    assert!(used > 0);
    let list = app
        .get(&admin, "/api/v2.0/quotas?reference=project&reference_id=2")
        .await;
    assert_eq!(list.header("x-total-count"), "1");
    assert_eq!(
        list.json(),
        json!([{
            "id": 2, "ref": {"id": 2, "name": "alpha", "owner_name": "admin"},
            "hard": {"storage": -1}, "used": {"storage": used},
            "creation_time": "2026-01-02T03:04:05.000Z", "update_time": "2026-01-02T03:04:05.000Z",
        }])
    );
    assert_eq!(
        app.get(&admin, "/api/v2.0/quotas?reference=nope").await.json(),
        json!([])
    );
    // The same content in another repository of the project costs nothing more.
    push::image(&app, "alpha/copy", Some("v1"), "one").await;
    assert_eq!(
        app.get(&admin, "/api/v2.0/quotas/2").await.json()["used"]["storage"],
        used
    );
    let first = app
        .get(&admin, "/api/v2.0/quotas/?sort=-used.storage&page_size=1")
        .await
        .json();
    assert_eq!(first[0]["ref"]["name"], "alpha");
}

#[sqlx::test(migrations = "./migrations")]
async fn limits_change_within_bounds(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    for (body, status) in [
        (json!({"hard": {"storage": 100}}), 200),
        (json!({"hard": {"storage": -1}}), 200),
        (json!({"hard": {"storage": 0}}), 400),
        (json!({"hard": {"storage": -2}}), 400),
        (json!({"hard": {"storage": 1125899906842624_i64}}), 200),
        (json!({"hard": {"storage": 1125899906842625_i64}}), 400),
        (json!({"hard": {}}), 400),
        (json!({}), 400),
        (json!({"hard": {"cpu": 5}}), 400),
        (json!({"hard": {"storage": "5"}}), 422),
    ] {
        let answer = app
            .send_json(&admin, Method::PUT, "/api/v2.0/quotas/1", &body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
    }
    let missing = app
        .send_json(
            &admin,
            Method::PUT,
            "/api/v2.0/quotas/99",
            &json!({"hard": {"storage": 1}}),
        )
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(
        app.get(&admin, "/api/v2.0/quotas/x").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    // No limit is the largest.
    app.create_project("alpha", false).await;
    let list = app.get(&admin, "/api/v2.0/quotas?sort=hard.storage").await.json();
    assert_eq!(
        (&list[0]["ref"]["name"], &list[1]["ref"]["name"]),
        (&json!("library"), &json!("alpha"))
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn a_push_over_the_limit_is_refused_with_the_numbers(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("tiny", false).await;
    sqlx::query("UPDATE projects SET storage_limit = 3072 WHERE id = $1")
        .bind(id)
        .execute(&app.app.pool)
        .await
        .unwrap();
    let (a, b) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
    let mut conn = app.app.pool.acquire().await.unwrap();
    holding(&mut conn, id, &[(&a, 3072)]).await.unwrap();
    sqlx::query("INSERT INTO project_blobs (project_id, digest, size, links) VALUES ($1, $2, 2048, 1)")
        .bind(id)
        .bind(a.as_str())
        .execute(&mut *conn)
        .await
        .unwrap();
    // What is there costs nothing, what comes twice counts once.
    holding(&mut conn, id, &[(&a, 2048), (&b, 1024), (&b, 1024)])
        .await
        .unwrap();
    let error = holding(&mut conn, id, &[(&a, 2048), (&b, 1536)])
        .await
        .unwrap_err();
    let answer = axum::response::IntoResponse::into_response(error);
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["errors"][0]["code"], "DENIED");
    assert_eq!(
        body["errors"][0]["message"],
        "adding 1.5 KiB of storage resource, which when updated to current usage of 2.0 KiB will exceed the configured upper limit of 3.0 KiB."
    );
    assert_eq!(body["errors"][0]["detail"]["need"], 1536);
    // Over the limit already: what needs nothing passes.
    sqlx::query("UPDATE projects SET storage_limit = 1 WHERE id = $1")
        .bind(id)
        .execute(&mut *conn)
        .await
        .unwrap();
    holding(&mut conn, id, &[(&a, 2048)]).await.unwrap();
    sqlx::query("UPDATE projects SET deleted_at = now() WHERE id = $1")
        .bind(id)
        .execute(&mut *conn)
        .await
        .unwrap();
    assert!(holding(&mut conn, id, &[(&a, 2048)]).await.is_err());
}
