mod configurations;

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::testing::{As, TestApp};

#[sqlx::test]
async fn what_everybody_sees(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let ping = test.get(&As::Nobody, "/api/v2.0/ping").await;
    assert_eq!(
        (&ping.body[..], ping.header("content-type")),
        (&b"Pong"[..], "text/plain")
    );
    assert_eq!(
        test.get(&As::Nobody, "/api/version").await.json(),
        json!({"version": "v2.0"})
    );
    let info = test.get(&As::Nobody, "/api/v2.0/systeminfo").await.json();
    let expected = json!({"auth_mode": "db_auth", "primary_auth_mode": false, "self_registration": false,
        "banner_message": "", "oidc_provider_name": ""});
    assert_eq!(info, expected);
    let health = test.get(&As::Nobody, "/api/v2.0/health").await.json();
    assert_eq!(health["status"], "healthy");
    let names: Vec<_> = health["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].clone())
        .collect();
    assert_eq!(
        json!(names),
        json!(["core", "database", "jobservice", "registry"])
    );
    assert_eq!(
        test.get(&As::Nobody, "/api/v2.0/systeminfo/getcert").await.status,
        StatusCode::NOT_FOUND
    );
}

/// Whoever puts a key beside the certificate does not hand it out.
#[sqlx::test]
async fn the_authoritys_certificate_is_for_everybody(pool: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    let test = TestApp::with_config(pool, |config| config.external_ca_file = Some(file.clone())).await;
    let get = async || test.get(&As::Nobody, "/api/v2.0/systeminfo/getcert").await;
    let has = async || {
        let info = test.get(&test.admin(), "/api/v2.0/systeminfo").await.json();
        info["has_ca_root"].clone()
    };
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";
    for (content, shown) in [
        (format!("{key}{certificate}{key}"), Some(certificate.to_owned())),
        (certificate.repeat(2), Some(certificate.repeat(2))),
        (key.to_owned(), None),
    ] {
        std::fs::write(&file, content).unwrap();
        let answer = get().await;
        assert_eq!(has().await, json!(shown.is_some()));
        let Some(shown) = shown else {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            continue;
        };
        assert_eq!(
            (answer.status, &answer.body[..]),
            (StatusCode::OK, shown.as_bytes())
        );
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=ca.crt"
        );
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(get().await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test]
async fn what_users_and_administrators_see(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let dev = test.create_user("dev").await;
    let info = test.get(&dev, "/api/v2.0/systeminfo").await.json();
    assert_eq!(info["read_only"], false);
    assert_eq!(info["current_time"], "2026-01-02T03:04:05.000Z");
    assert!(
        info["harbor_version"].as_str().unwrap().starts_with("v2."),
        "{info}"
    );
    for path in ["/api/v2.0/systeminfo/volumes", "/api/v2.0/configurations"] {
        assert_eq!(
            test.get(&As::Nobody, path).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        assert_eq!(test.get(&dev, path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(
            test.get(&test.admin(), path).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
    let settings = test.get(&test.admin(), "/api/v2.0/configurations").await.json();
    assert_eq!(
        settings["robot_name_prefix"],
        json!({"value": "robot-", "editable": true})
    );
    assert_eq!(settings["auth_mode"]["value"], "db_auth");
    assert_eq!(settings["token_expiration"]["value"], 30);
}
