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

/// Asks as a browser does before it sends the request itself.
async fn question(test: &TestApp, path: &str, origin: &str) -> crate::testing::Answer {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(path)
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .body(Body::empty())
        .unwrap();
    test.request(request).await
}

#[sqlx::test]
async fn pages_of_other_origins_are_kept_out_unless_named(pool: PgPool) {
    let test = TestApp::new(pool.clone()).await;
    let closed = question(&test, "/v2/", "https://ui.example").await;
    assert_eq!(closed.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(closed.header("access-control-allow-origin"), "");

    let origins = vec!["https://ui.example".to_owned()];
    let test = TestApp::with_config(pool.clone(), |config| config.cors_allowed_origins = origins).await;
    for path in [
        "/v2/",
        "/v2/p/app/manifests/v1",
        "/v2/p/app/blobs/uploads/",
        "/service/token",
    ] {
        let answer = question(&test, path, "https://ui.example").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://ui.example");
        assert!(
            answer
                .header("access-control-allow-headers")
                .contains("Authorization")
        );
        assert!(answer.header("access-control-allow-methods").contains("DELETE"));
        assert!(answer.headers.get("www-authenticate").is_none());
        let other = question(&test, path, "https://evil.example").await;
        assert_eq!(other.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(other.header("access-control-allow-origin"), "");
        assert_eq!(other.header("vary"), "Origin");
    }
    // An error can be read too: from it the page learns where tokens are.
    let request = Request::builder()
        .uri("/v2/")
        .header("origin", "https://ui.example");
    let answer = test.request(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    for name in ["Docker-Content-Digest", "Link", "WWW-Authenticate"] {
        assert!(
            answer.header("access-control-expose-headers").contains(name),
            "{name}"
        );
    }
    // The management API and the probes take no part.
    for path in ["/api/v2.0/projects", "/healthz"] {
        let answer = question(&test, path, "https://ui.example").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }

    let everybody = vec!["*".to_owned()];
    let test = TestApp::with_config(pool, |config| config.cors_allowed_origins = everybody).await;
    let answer = question(&test, "/v2/", "https://any.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn p66_a_panic_is_an_error_like_others_and_tells_nothing() {
    use http_body_util::BodyExt;
    for panic in [
        Box::new("secret".to_owned()) as Box<dyn std::any::Any + Send>,
        Box::new("secret"),
        Box::new(1),
    ] {
        let response = super::errors::panicked(panic);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["code"], "UNKNOWN");
        assert!(!body.to_string().contains("secret"));
    }
}

#[sqlx::test]
async fn p66_a_body_too_large_is_an_error_like_others(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let large = format!("{{\"project_name\":\"{}\"}}", "a".repeat(9 << 20));
    for (method, path, kind) in [
        (Method::POST, "/api/v2.0/projects", "application/json"),
        (
            Method::POST,
            "/service/token",
            "application/x-www-form-urlencoded",
        ),
        (
            Method::PUT,
            "/v2/library/x/manifests/v1",
            "application/vnd.oci.image.index.v1+json",
        ),
    ] {
        let builder = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind);
        let request = test.admin().on(builder).body(Body::from(large.clone())).unwrap();
        let answer = test.request(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_ENTITY_TOO_LARGE"),
            "{path}"
        );
    }
}
