use axum::http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::testing::TestApp;

#[sqlx::test(migrations = "./migrations")]
async fn there_is_no_scanner(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let scanner = app.get(&admin, "/api/v2.0/projects/library/scanner").await;
    assert_eq!(
        (scanner.status, scanner.body.len()),
        (StatusCode::OK, 0),
        "{scanner:?}"
    );
    let candidates = app
        .get(&admin, "/api/v2.0/projects/library/scanner/candidates")
        .await;
    assert_eq!(candidates.json(), json!([]));
    assert_eq!(candidates.header("x-total-count"), "0");
    for (query, status) in [("q=name%3D~a&sort=-name", 200), ("q=nonsense", 400)] {
        let path = format!("/api/v2.0/projects/library/scanner/candidates?{query}");
        let answer = app.get(&admin, &path).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
    for (body, status) in [(json!({"uuid": "nope"}), 404), (json!({}), 422)] {
        let answer = app
            .send_json(&admin, Method::PUT, "/api/v2.0/projects/library/scanner", &body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    }
    let absent = app.get(&admin, "/api/v2.0/projects/nope/scanner").await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}
