use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::config::{SecretSource, SystemAccount};
use crate::features::tests::push;
use crate::kernel::secret::Secret;
use crate::testing::{Answer, As, PASSWORD, TestApp};

const PATH: &str = "/api/v2.0/configurations";

async fn put(app: &TestApp, body: &Value) -> Answer {
    app.send_json(&app.admin(), Method::PUT, PATH, body).await
}

async fn value(app: &TestApp, key: &str) -> Value {
    app.get(&app.admin(), PATH).await.json()[key]["value"].clone()
}

fn message(answer: &Answer) -> String {
    answer.json()["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[sqlx::test(migrations = "./migrations")]
async fn a_change_is_whole_bounded_and_audited(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dev = app.create_user("dev").await;
    let change = json!({"session_timeout": 30, "ldap_base_dn": "x", "read_only": null});
    let answer = put(&app, &change).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(value(&app, "session_timeout").await, 30);
    assert_eq!(value(&app, "ldap_base_dn").await, "x");
    // The same again changes nothing, so there is nothing to audit.
    put(&app, &change).await;
    let log = app
        .get(
            &app.admin(),
            "/api/v2.0/auditlog-exts?q=resource_type%3Dconfiguration",
        )
        .await
        .json();
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!(
        log[0]["operation_description"],
        "update configuration: ldap_base_dn, session_timeout"
    );

    for (body, status, part) in [
        (
            json!({"token_expiration": 0, "session_timeout": 5}),
            400,
            "token_expiration must be from 1",
        ),
        (
            json!({"self_registration": "yes", "session_timeout": 5}),
            422,
            "self_registration must be true or false",
        ),
        (json!({"auth_mode": "ldap_auth"}), 400, "accounts of its own"),
        (json!({"sesion_timeout": 5}), 400, "did you mean session_timeout?"),
        (json!([]), 422, "array"),
    ] {
        let answer = put(&app, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        assert!(message(&answer).contains(part), "{answer:?}");
        assert_eq!(
            value(&app, "session_timeout").await,
            30,
            "a refused change changes nothing"
        );
    }
    // Terraform's provider sends what nobody knows any more, and what Harbor never knew.
    let terraform = json!({"session_timeout": 31, "email_insecure": false, "scan_all_policy": {"parameter": {}}, "nonsense": 2});
    let answer = put(&app, &terraform).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.header("warning").contains("nonsense") && !answer.header("warning").contains("email"),
        "{answer:?}"
    );
    assert_eq!(
        put(&app, &json!({"email_ssl": false})).await.status,
        StatusCode::OK
    );
    assert_eq!(value(&app, "session_timeout").await, 31);

    for (who, status) in [(&As::Nobody, 401), (&dev, 403)] {
        let answer = app
            .send_json(who, Method::PUT, PATH, &json!({"read_only": true}))
            .await;
        assert_eq!(answer.status.as_u16(), status);
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn secrets_are_never_shown_nor_kept_in_clear(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let secrets = json!({"ldap_search_password": "hush-hush-1", "oidc_client_secret": "hush-hush-2", "uaa_client_secret": "hush-hush-3"});
    assert_eq!(put(&app, &secrets).await.status, StatusCode::OK);
    let shown = app.get(&app.admin(), PATH).await;
    let log = app.get(&app.admin(), "/api/v2.0/auditlog-exts").await;
    let rows: Vec<String> = sqlx::query_scalar("SELECT key || value::text FROM settings")
        .fetch_all(&app.app.pool)
        .await
        .unwrap();
    let events: Vec<String> = sqlx::query_scalar("SELECT payload::text FROM events")
        .fetch_all(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    let everything = format!("{shown:?} {log:?} {rows:?} {events:?}");
    assert!(!everything.contains("hush"), "{everything}");
    assert!(shown.json().get("oidc_client_secret").is_none());
}

#[sqlx::test(migrations = "./migrations")]
async fn what_the_process_was_started_with_wins(pool: PgPool) {
    let app = TestApp::with_config(pool, |config| {
        let file = "token: {lifetime: 90s}\nsettings: {self_registration: true}\n";
        *config = crate::config::Config::from_parts(Some(("/etc/slipway.yaml".into(), file.to_owned())), [])
            .unwrap();
        config.system_account = Some(SystemAccount {
            name: "operator".to_owned(),
            password: SecretSource::Inline(Secret::new("The-operators-1")),
        });
    })
    .await;
    let all = app.get(&app.admin(), PATH).await.json();
    assert_eq!(
        all["self_registration"],
        json!({"value": true, "editable": false})
    );
    assert_eq!(all["token_expiration"], json!({"value": 2, "editable": false}));
    assert_eq!(all["read_only"], json!({"value": false, "editable": true}));
    let refused = put(&app, &json!({"self_registration": false, "session_timeout": 7})).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::FORBIDDEN, "FORBIDDEN".into())
    );
    assert!(
        message(&refused).contains("settings.self_registration (configuration file /etc/slipway.yaml)"),
        "{refused:?}"
    );
    assert_eq!(value(&app, "session_timeout").await, 60);
    // Who sends everything back as he read it changes nothing, and is not refused.
    let same = json!({"self_registration": true, "token_expiration": 2, "auth_mode": "db_auth"});
    assert_eq!(put(&app, &same).await.status, StatusCode::OK);
    let token = app
        .get(&app.admin(), "/service/token?service=harbor-registry")
        .await
        .json();
    assert_eq!(token["expires_in"], 90);

    let operator = As::Basic("operator".to_owned(), "The-operators-1".to_owned());
    let internal = "/api/v2.0/internalconfig";
    assert_eq!(app.get(&operator, internal).await.json(), all);
    for who in [&As::Nobody, &app.admin()] {
        assert_eq!(app.get(who, internal).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_change_bites_on_every_replica_within_a_second(pool: PgPool) {
    let (app, other) = (TestApp::new(pool.clone()).await, TestApp::new(pool).await);
    let dev = app.create_user("dev").await;
    let project = |name: &str| json!({"project_name": name});
    let projects = "/api/v2.0/projects";
    let admin = app.admin();
    let token = async |app: &TestApp| {
        app.get(&admin, "/service/token?service=harbor-registry")
            .await
            .json()["expires_in"]
            .clone()
    };
    assert_eq!(token(&other).await, 1800);
    let change = json!({
        "token_expiration": 5, "project_creation_restriction": "adminonly", "storage_per_project": 1000,
        "robot_name_prefix": "bot-", "robot_token_duration": 3, "banner_message": "{\"message\":\"hello\"}",
    });
    assert_eq!(put(&app, &change).await.status, StatusCode::OK);
    assert_eq!(token(&app).await, 300, "at once where it was changed");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(token(&other).await, 300);
    let refused = other
        .send_json(&dev, Method::POST, projects, &project("mine"))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(message(&refused).contains("project_creation_restriction"));
    let made = other
        .send_json(&admin, Method::POST, projects, &project("alpha"))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let quota = other.get(&admin, "/api/v2.0/quotas/2").await.json();
    assert_eq!(quota["hard"]["storage"], 1000);
    let robot = json!({"name": "ci", "level": "project", "permissions": [
        {"kind": "project", "namespace": "alpha", "access": [{"resource": "repository", "action": "list"}]}]});
    let robot = other
        .send_json(&admin, Method::POST, "/api/v2.0/robots", &robot)
        .await
        .json();
    assert_eq!(robot["name"], "bot-alpha--ci");
    assert_eq!(
        robot["expires_at"],
        other.app.clock.now().timestamp() + 3 * 86_400
    );
    let as_robot = As::Basic("bot-alpha--ci".into(), robot["secret"].as_str().unwrap().into());
    assert_eq!(
        other
            .get(&as_robot, "/api/v2.0/projects/alpha/repositories")
            .await
            .status,
        StatusCode::OK
    );
    let info = other.get(&As::Nobody, "/api/v2.0/systeminfo").await.json();
    assert_eq!(info["banner_message"], "{\"message\":\"hello\"}");
}

#[sqlx::test(migrations = "./migrations")]
async fn in_read_only_mode_nothing_is_changed(pool: PgPool) {
    let app = TestApp::new(pool).await;
    push::image(&app, "library/hello", Some("v1"), "hello").await;
    let admin = app.admin();
    assert_eq!(
        put(&app, &json!({"read_only": true})).await.status,
        StatusCode::OK
    );
    for (method, path) in [
        (Method::POST, "/v2/library/hello/blobs/uploads/"),
        (Method::DELETE, "/v2/library/hello/manifests/v1"),
        (Method::POST, "/api/v2.0/projects"),
        (Method::DELETE, "/api/v2.0/projects/library"),
    ] {
        let answer = app.send(&admin, method, path).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "DENIED".into()),
            "{path}"
        );
        assert!(message(&answer).contains("read-only"));
    }
    for path in [
        "/v2/library/hello/manifests/v1",
        "/api/v2.0/projects",
        "/service/token?service=harbor-registry",
        "/healthz",
    ] {
        assert_eq!(app.get(&admin, path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(
        app.get(&admin, "/api/v2.0/systeminfo").await.json()["read_only"],
        true
    );
    assert_eq!(
        put(&app, &json!({"read_only": false})).await.status,
        StatusCode::OK
    );
    let deleted = app
        .send(&admin, Method::DELETE, "/v2/library/hello/manifests/v1")
        .await;
    assert_eq!(deleted.status, StatusCode::ACCEPTED);
}

#[sqlx::test(migrations = "./migrations")]
async fn quotas_and_lines_of_the_audit_log_are_switched_off(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let limit = json!({"hard": {"storage": 1}});
    app.send_json(&admin, Method::PUT, "/api/v2.0/quotas/1", &limit)
        .await;
    let upload = async |n: u8| {
        let text = format!("more than a byte {n}");
        let digest = slipway_model::Digest::sha256(text.as_bytes());
        let bytes = axum::body::Body::from(text);
        let uri = format!("/v2/library/hello/blobs/uploads/?digest={digest}");
        let request = axum::http::Request::builder().method(Method::POST).uri(uri);
        app.request(admin.on(request).body(bytes).unwrap()).await.status
    };
    assert_eq!(upload(1).await, StatusCode::FORBIDDEN);
    let off = json!({"quota_per_project_enable": false, "disabled_audit_log_event_types": "create_project , update_configuration"});
    assert_eq!(put(&app, &off).await.status, StatusCode::OK);
    assert_eq!(upload(2).await, StatusCode::CREATED);
    put(&app, &json!({"quota_per_project_enable": true})).await;
    assert_eq!(
        upload(3).await,
        StatusCode::FORBIDDEN,
        "nothing is left of what was granted meanwhile"
    );

    for name in ["alpha", "beta"] {
        app.send_json(
            &admin,
            Method::POST,
            "/api/v2.0/projects",
            &json!({"project_name": name}),
        )
        .await;
    }
    app.send(&admin, Method::DELETE, "/api/v2.0/projects/beta").await;
    let log = app.get(&admin, "/api/v2.0/auditlog-exts").await.json();
    let lines: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["operation_description"].clone())
        .collect();
    assert_eq!(lines[0], "delete project: beta");
    // That it was switched off is the last that is told of its kind.
    assert_eq!(
        lines[1],
        "update configuration: disabled_audit_log_event_types, quota_per_project_enable"
    );
    let user = json!({"username": "u", "email": "u@example.org", "realname": "U", "password": PASSWORD});
    app.send_json(&admin, Method::POST, "/api/v2.0/users", &user)
        .await;
    let log = app.get(&admin, "/api/v2.0/auditlog-exts").await.json();
    assert_eq!(log[0]["operation_description"], "create user: u");
}
