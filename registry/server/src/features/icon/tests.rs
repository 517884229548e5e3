use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sqlx::PgPool;

use crate::features::tests::push;
use crate::testing::{As, TestApp};

#[sqlx::test(migrations = "./migrations")]
async fn an_artifact_has_a_picture(pool: PgPool) {
    let app = TestApp::new(pool).await;
    push::image(&app, "library/hello", Some("v1"), "hello").await;
    let artifact = app
        .get(
            &app.admin(),
            "/api/v2.0/projects/library/repositories/hello/artifacts/v1",
        )
        .await
        .json();
    let icon = artifact["icon"].as_str().unwrap().to_owned();
    for digest in [&icon, super::CHART, super::OTHER, super::COSIGN, super::NOTATION] {
        let answer = app.get(&As::Nobody, &format!("/api/v2.0/icons/{digest}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["content-type"], "image/svg+xml");
        let picture = STANDARD
            .decode(answer.json()["content"].as_str().unwrap())
            .unwrap();
        assert!(picture.starts_with(b"<svg ") && picture.ends_with(b"</svg>\n"));
    }
    for unknown in ["nonsense", &format!("sha256:{}", "0".repeat(64))] {
        let answer = app.get(&As::Nobody, &format!("/api/v2.0/icons/{unknown}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
    }
}
