use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use sqlx::PgPool;

use crate::testing::{As, TestApp};

#[sqlx::test]
async fn p66_every_error_is_json_with_its_request_id(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let cases = [
        (Method::GET, "/nope", 404, "NOT_FOUND"),
        (Method::GET, "/api/v2.0/nope", 404, "NOT_FOUND"),
        (Method::DELETE, "/api/v2.0/ping", 405, "METHOD_NOT_ALLOWED"),
        (Method::PATCH, "/service/token", 405, "METHOD_NOT_ALLOWED"),
        (Method::GET, "/api/v2.0/users/current", 401, "UNAUTHORIZED"),
        (
            Method::GET,
            "/api/v2.0/users?page_size=101",
            422,
            "UNPROCESSABLE_ENTITY",
        ),
        (Method::GET, "/v2/", 401, "UNAUTHORIZED"),
    ];
    for (method, path, status, code) in cases {
        let answer = test.send(&As::Nobody, method, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{path}"
        );
        assert!(
            answer.header("content-type").starts_with("application/json"),
            "{path}"
        );
        let id = answer.header("x-request-id");
        assert!(
            !id.is_empty() && answer.json()["errors"][0]["request_id"] == id,
            "{answer:?}"
        );
    }
    let long = test
        .get(&As::Nobody, &format!("/v2/{}", "a".repeat(40_000)))
        .await;
    assert_eq!(
        (long.status, long.code().as_str()),
        (StatusCode::URI_TOO_LONG, "BAD_REQUEST")
    );
    let answer = test.send(&As::Nobody, Method::DELETE, "/api/v2.0/ping").await;
    assert!(answer.header("allow").contains("GET"), "{answer:?}");
}

#[sqlx::test]
async fn the_clients_request_id_is_kept_when_it_is_plain(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let ask = async |id: &str| {
        let request = Request::builder()
            .uri("/api/v2.0/ping")
            .header("x-request-id", id)
            .body(Body::empty())
            .unwrap();
        test.request(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask("my-own-id-123").await, "my-own-id-123");
    for odd in ["", "with blank", &"x".repeat(129)] {
        let given = ask(odd).await;
        assert!(given != odd && given.len() == 36, "{given}");
    }
}

#[sqlx::test]
async fn needless_slashes_do_not_matter_below_api(pool: PgPool) {
    let test = TestApp::new(pool).await;
    for path in ["/api/v2.0/ping/", "/api//v2.0/ping", "//api/v2.0/ping"] {
        assert_eq!(test.get(&As::Nobody, path).await.status, StatusCode::OK, "{path}");
    }
}

#[sqlx::test]
async fn probes(pool: PgPool) {
    let test = TestApp::new(pool.clone()).await;
    assert_eq!(test.get(&As::Nobody, "/healthz").await.json()["status"], "ok");
    let ready = test.get(&As::Nobody, "/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["components"]["database"]),
        (StatusCode::OK, &"ok".into())
    );
    test.app.ready.drain();
    let draining = test.get(&As::Nobody, "/readyz").await;
    assert_eq!(
        (draining.status, &draining.json()["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"draining".into())
    );
    assert_eq!(test.get(&As::Nobody, "/healthz").await.status, StatusCode::OK);
}

#[sqlx::test]
async fn without_the_database_answers_are_503_and_later(pool: PgPool) {
    let test = TestApp::new(pool.clone()).await;
    pool.close().await;
    let answer = test.get(&test.admin(), "/api/v2.0/users/current").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE")
    );
    assert!(!answer.header("retry-after").is_empty());
    let ready = test.get(&As::Nobody, "/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    let health = test.get(&As::Nobody, "/api/v2.0/health").await;
    assert_eq!(
        (health.status, &health.json()["status"]),
        (StatusCode::OK, &"unhealthy".into())
    );
}

#[sqlx::test]
async fn metrics_count_by_route(pool: PgPool) {
    let test = TestApp::new(pool).await;
    test.get(&As::Nobody, "/api/v2.0/ping").await;
    test.get(&As::Nobody, "/nope/secret-name").await;
    let answer = test.get(&As::Nobody, "/metrics").await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for part in [
        "slipway_http_requests_total{route=\"/api/v2.0/ping\",method=\"GET\",status=\"200\"}",
        "slipway_http_request_duration_seconds_bucket",
        "slipway_build_info{version=",
        "slipway_database_connections ",
        "slipway_uploads_in_progress 0",
        "route=\"unmatched\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("secret-name"));
}
