use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::rows;
use crate::testing::{As, TestApp};

/// One of the objects that the API server is tried with, and that the types of the custom resources read whole.
const OBJECT: &str = include_str!("../../../../../crds/tests/corpus/project/good/exported.yaml");

async fn made(app: &TestApp, path: &str, body: &Value) {
    let answer = app.send_json(&app.admin(), Method::POST, path, body).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
}

/// A project with something of everything.
async fn team(pool: PgPool) -> TestApp {
    let app = TestApp::new(pool).await;
    let project = json!({
        "project_name": "team_a", "public": true, "storage_limit": 5_368_709_120_i64,
        "metadata": {"auto_scan": "true", "prevent_vul": "true", "severity": "high", "reuse_sys_cve_allowlist": "false",
                     "enable_content_trust_cosign": "true"},
        "cve_allowlist": {"items": [{"cve_id": "CVE-2024-3094"}], "expires_at": 1_800_000_000},
    });
    made(&app, "/api/v2.0/projects", &project).await;
    app.create_user("dev").await;
    let dev = json!({"role_id": 2, "member_user": {"username": "dev"}});
    made(&app, "/api/v2.0/projects/team_a/members", &dev).await;
    let group = json!({"role_id": 5, "member_group": {"group_name": "readers", "group_type": 3}});
    made(&app, "/api/v2.0/projects/team_a/members", &group).await;
    let id = app.get(&app.admin(), "/api/v2.0/projects/team_a").await.json()["project_id"].clone();
    for (name, duration, access) in [
        (
            "ci",
            90,
            json!([{"resource": "repository", "action": "pull"}, {"resource": "repository", "action": "push"},
                   {"resource": "tag", "action": "delete"}]),
        ),
        ("ro", -1, json!([{"resource": "repository", "action": "pull"}])),
    ] {
        let robot = json!({"name": name, "level": "project", "duration": duration, "description": "builds: all",
            "permissions": [{"kind": "project", "namespace": "team_a", "access": access}]});
        made(&app, "/api/v2.0/robots", &robot).await;
    }
    for (pattern, decoration) in [("v*", "matches"), ("dev-*", "excludes")] {
        let rule = json!({"tag_selectors": [{"pattern": pattern, "decoration": decoration}],
            "scope_selectors": {"repository": [{"pattern": "**"}]}});
        made(&app, "/api/v2.0/projects/team_a/immutabletagrules", &rule).await;
    }
    let label = json!({"name": "stable", "scope": "p", "project_id": id, "color": "#0065AB"});
    made(&app, "/api/v2.0/labels", &label).await;
    app
}

#[sqlx::test(migrations = "./migrations")]
async fn a_project_is_the_object_that_would_create_it(pool: PgPool) {
    let app = team(pool).await;
    let path = "/api/slipway/v1/projects/team_a/export?registry_namespace=registry";
    let answer = app.get(&app.admin(), path).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/yaml")
    );
    let yaml = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(yaml, OBJECT, "\n{yaml}");
}

#[sqlx::test(migrations = "./migrations")]
async fn what_may_not_be_read_is_left_out(pool: PgPool) {
    let app = team(pool).await;
    let id = app.get(&app.admin(), "/api/v2.0/projects/team_a").await.json()["project_id"]
        .as_i64()
        .unwrap();
    let path = "/api/slipway/v1/projects/team_a/export";
    let robot = app
        .create_robot((id, "team_a"), "keeper", &[("project", "update")])
        .await;
    let yaml = app.get(&robot, path).await;
    assert_eq!(yaml.status, StatusCode::OK, "{yaml:?}");
    let text = String::from_utf8(yaml.body.to_vec()).unwrap();
    let object: Value = serde_yaml::from_str(&text).unwrap();
    for field in ["members", "robots", "immutableTags", "quota"] {
        assert_eq!(object["spec"].get(field), None, "{text}");
    }
    assert!(text.contains("# - members: you may not read them"), "{text}");
    // Public as it is, its labels are for everybody.
    assert_eq!(object["spec"]["labels"][0]["name"], "stable");
    let dev = As::Basic("dev".to_owned(), crate::testing::PASSWORD.to_owned());
    assert_eq!(app.get(&dev, path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get(&As::Nobody, path).await.status, StatusCode::UNAUTHORIZED);
    let absent = app
        .get(&app.admin(), "/api/slipway/v1/projects/absent/export")
        .await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    let bad = app
        .get(&app.admin(), &format!("{path}?registry=Not%20a%20name"))
        .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST, "{bad:?}");
}

#[test]
fn amounts_and_names_are_written_as_people_do() {
    for (limit, text) in [
        (-1, "Unlimited"),
        (5 << 30, "5Gi"),
        (512 << 20, "512Mi"),
        (1000, "1000"),
    ] {
        assert_eq!(rows::quota(limit).storage, text);
    }
    assert_eq!(rows::object_name("team_a.b"), "team-a.b");
    let long = format!("{}-{}", "a".repeat(252), "b".repeat(2));
    assert_eq!(rows::object_name(&long), "a".repeat(252));
}
