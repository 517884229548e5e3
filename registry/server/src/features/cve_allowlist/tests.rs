use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{As, TestApp};

const PATH: &str = "/api/v2.0/system/CVEAllowlist";

#[sqlx::test(migrations = "./migrations")]
async fn the_list_is_read_and_replaced(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dev = app.create_user("dev").await;
    let never = "0001-01-01T00:00:00.000Z";
    assert_eq!(
        app.get(&dev, PATH).await.json(),
        json!({"items": [], "creation_time": never, "update_time": never})
    );
    let put = async |who: &As, body: &Value| app.send_json(who, Method::PUT, PATH, body).await.status;
    let admin = app.admin();
    let list =
        json!({"items": [{"cve_id": "CVE-2024-0001"}, {"cve_id": " GHSA-1 "}], "expires_at": 1_900_000_000});
    assert_eq!(put(&admin, &list).await, StatusCode::OK);
    app.advance(TimeDelta::minutes(1));
    assert_eq!(put(&dev, &list).await, StatusCode::FORBIDDEN);
    assert_eq!(put(&As::Nobody, &list).await, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get(&As::Nobody, PATH).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        app.get(&dev, PATH).await.json(),
        json!({
            "id": 1, "items": [{"cve_id": "CVE-2024-0001"}, {"cve_id": "GHSA-1"}], "expires_at": 1_900_000_000,
            "creation_time": "2026-01-02T03:04:05.000Z", "update_time": "2026-01-02T03:04:05.000Z",
        })
    );
    assert_eq!(put(&admin, &json!({"items": []})).await, StatusCode::OK);
    let emptied = app.get(&dev, PATH).await.json();
    assert_eq!(emptied["update_time"], "2026-01-02T03:05:05.000Z");
    assert!(emptied.get("expires_at").is_none() && emptied["items"] == json!([]));
    let log = app.get(&admin, "/api/v2.0/auditlog-exts").await.json();
    assert_eq!(log[0]["operation_description"], "update cve_allowlist: 0 entries");
    assert_eq!(log.as_array().unwrap().len(), 2);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_no_list_holds(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let many: Vec<_> = (0..10_001)
        .map(|n| json!({"cve_id": format!("CVE-{n}")}))
        .collect();
    for (body, part) in [
        (json!({"items": [{"cve_id": ""}]}), "cve_id \"\""),
        (json!({"items": [{}]}), "cve_id \"\""),
        (
            json!({"items": [{"cve_id": "CVE-1"}, {"cve_id": "CVE-1 "}]}),
            "CVE-1 stands in items twice",
        ),
        (json!({"items": [{"cve_id": "C".repeat(129)}]}), "from 1 to 128"),
        (json!({"items": [{"cve_id": "CVE 1"}]}), "without blanks"),
        (json!({"items": many}), "10001 entries"),
        (json!({"expires_at": -1}), "expires_at is -1"),
        (json!({"expires_at": i64::MAX}), "expires_at is"),
    ] {
        let answer = app.send_json(&app.admin(), Method::PUT, PATH, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(app.get(&app.admin(), PATH).await.json()["items"], json!([]));
}
