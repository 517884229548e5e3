use std::net::SocketAddr;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::features::tests::push;
use crate::kernel::origin::Peer;
use crate::testing::{Answer, As, TestApp};

const EXTS: &str = "/api/v2.0/auditlog-exts";

async fn write(app: &TestApp, count: i64) {
    sqlx::query(
        "INSERT INTO audit_log (project_id, username, resource, resource_type, operation, description, success, op_time)
         SELECT 1, CASE WHEN n % 100 = 0 THEN 'rare' ELSE 'dev' END, 'library/app:v' || n, 'artifact',
                CASE WHEN n % 2 = 0 THEN 'pull' ELSE 'create' END, 'd' || n, n % 1000 <> 0,
                timestamptz '2026-01-01' + n * interval '1 s'
         FROM generate_series(1, $1) AS n",
    )
    .bind(count)
    .execute(&app.app.pool)
    .await
    .unwrap();
}

fn resources(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let entries = list.as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let name = |entry: &Value| entry["resource"].as_str().unwrap().to_owned();
    entries.iter().map(name).collect()
}

fn escaped(q: &str) -> String {
    url::form_urlencoded::byte_serialize(q.as_bytes()).collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn both_shapes_of_an_entry(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let new = json!({"project_name": "alpha"});
    app.send_json(&admin, Method::POST, "/api/v2.0/projects", &new)
        .await;
    let newer = app.get(&admin, EXTS).await;
    assert_eq!(newer.header("x-total-count"), "1");
    assert_eq!(
        newer.json(),
        json!([{
            "id": 1, "username": "admin", "resource": "alpha", "resource_type": "project", "operation": "create",
            "operation_description": "create project: alpha", "operation_result": true,
            "op_time": "2026-01-02T03:04:05.000Z",
        }])
    );
    let older = json!([{
        "id": 1, "username": "admin", "resource": "alpha", "resource_type": "project", "operation": "create",
        "op_time": "2026-01-02T03:04:05.000Z",
    }]);
    for path in ["/api/v2.0/audit-logs", "/api/v2.0/projects/alpha/logs"] {
        assert_eq!(app.get(&admin, path).await.json(), older, "{path}");
    }
    let of_project = app.get(&admin, "/api/v2.0/projects/alpha/auditlog-exts").await;
    assert_eq!(of_project.json(), newer.json());
    assert_eq!(
        app.get(&admin, "/api/v2.0/projects/library/logs").await.json(),
        json!([])
    );
    assert_eq!(
        app.get(&admin, "/api/v2.0/projects/nope/logs").await.status,
        StatusCode::NOT_FOUND
    );
    // These paths take names only.
    assert_eq!(
        app.get(&admin, "/api/v2.0/projects/1/logs").await.status,
        StatusCode::NOT_FOUND
    );
    let types = app.get(&admin, "/api/v2.0/auditlog-exts/events").await.json();
    for kind in [
        "pull_artifact",
        "update_label",
        "create_artifact_label",
        "delete_immutable_rule",
    ] {
        let known = types.as_array().unwrap();
        assert!(known.contains(&json!({"event_type": kind})), "{kind}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn everybody_reads_the_projects_whose_log_he_may_list(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (alpha, beta) = (
        app.create_project("alpha", false).await,
        app.create_project("beta", true).await,
    );
    let dev = app.create_user("dev").await;
    app.add_member(alpha, "dev", 1).await;
    app.add_member(beta, "dev", 4).await;
    let outsider = app.create_user("outsider").await;
    let list = json!([{"resource": "audit-log", "action": "list"}]);
    let everything = app
        .create_system_robot(
            "all",
            json!([{"kind": "system", "namespace": "/", "access": list}]),
        )
        .await;
    let log = json!([{"resource": "log", "action": "list"}]);
    let projects = app
        .create_system_robot(
            "some",
            json!([{"kind": "project", "namespace": "*", "access": log}]),
        )
        .await;
    let of_beta = app.create_robot((beta, "beta"), "b", &[("log", "list")]).await;
    let other = app
        .create_robot((alpha, "alpha"), "a", &[("repository", "pull")])
        .await;
    for name in ["alpha", "beta"] {
        push::image(&app, &format!("{name}/hello"), Some("v1"), name).await;
    }
    sqlx::query(
        "INSERT INTO audit_log (project_id, username, resource, resource_type, operation, op_time)
         VALUES (NULL, 'admin', 'nobody', 'user', 'create', '2026-01-01')",
    )
    .execute(&app.app.pool)
    .await
    .unwrap();
    for path in ["/api/v2.0/audit-logs", EXTS] {
        for (who, wanted) in [
            (&app.admin(), &["beta/hello:v1", "alpha/hello:v1", "nobody"][..]),
            (&everything, &["beta/hello:v1", "alpha/hello:v1", "nobody"]),
            (&projects, &["beta/hello:v1", "alpha/hello:v1"]),
            (&dev, &["alpha/hello:v1"]),
            (&of_beta, &["beta/hello:v1"]),
            (&other, &[]),
            (&outsider, &[]),
        ] {
            let answer = app.get(who, path).await;
            assert_eq!(
                answer.header("x-total-count"),
                wanted.len().to_string(),
                "{who:?}"
            );
            assert_eq!(resources(&answer), wanted, "{who:?}");
        }
        assert_eq!(app.get(&As::Nobody, path).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn conditions_order_and_pages(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    write(&app, 2000).await;
    let total = async |q: &str| {
        let answer = app
            .get(&admin, &format!("{EXTS}?page_size=2&q={}", escaped(q)))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{q} {answer:?}");
        answer.header("x-total-count").to_owned()
    };
    for (q, count) in [
        ("operation=pull", "1000"),
        ("operation={pull create}", "2000"),
        ("username=rare", "20"),
        ("username=~RAR,operation=pull", "20"),
        ("resource=library/app:v7", "1"),
        ("resource=~app:v199", "11"),
        ("operation_result=false", "2"),
        ("operation_description=~d1999", "1"),
        ("resource_type=project", "0"),
        ("op_time=[2026-01-01T00:00:10~2026-01-01T00:00:19]", "10"),
        ("op_time=[2026-01-01 00:00:10~2026-01-01 00:00:19]", "10"),
        ("op_time=[~2026-01-01T00:00:10Z]", "10"),
        ("op_time=[2026-01-01T01:00:00+01:00~2026-01-01T00:00:10]", "10"),
        ("op_time=[2026-01-02~]", "0"),
        ("op_time=2026-01-01", "2000"),
        ("op_time=2026-01-01T00:00:10", "1"),
        (
            "op_time__gt=2026-01-01T00:00:10,op_time__lte=2026-01-01T00:00:12",
            "2",
        ),
        ("nope=1", "2000"),
    ] {
        assert_eq!(total(q).await, count, "{q}");
    }
    for q in ["op_time=[x~y]", "op_time=~1", "op_time=[1~2~3]"] {
        let answer = app.get(&admin, &format!("{EXTS}?q={}", escaped(q))).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "BAD_REQUEST".into()),
            "{q}"
        );
    }

    let down = app.get(&admin, &format!("{EXTS}?page_size=2&page=2")).await;
    assert_eq!(resources(&down), ["library/app:v1998", "library/app:v1997"]);
    assert!(
        down.header("link").contains("page=1&page_size=2>; rel=\"prev\""),
        "{down:?}"
    );
    let up = app
        .get(
            &admin,
            "/api/v2.0/projects/library/auditlog-exts?page_size=2&sort=op_time&q=operation%3Dpull",
        )
        .await;
    assert_eq!(resources(&up), ["library/app:v2", "library/app:v4"]);
    let last = app.get(&admin, &format!("{EXTS}?page_size=100&page=20")).await;
    assert!(!last.header("link").contains("next"), "{last:?}");
    assert_eq!(
        app.get(&admin, &format!("{EXTS}?page=9223372036854775807"))
            .await
            .json(),
        json!([])
    );
    assert_eq!(
        app.get(&admin, &format!("{EXTS}?page_size=101")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn long_logs_are_counted_up_to_a_limit_and_read_without_a_scan(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    write(&app, 30_000).await;
    sqlx::query("VACUUM (ANALYZE) audit_log")
        .execute(&app.app.pool)
        .await
        .unwrap();
    for (page, total, next) in [
        (1, "10000", true),
        (999, "10000", true),
        (1500, "15001", true),
        (3000, "30000", false),
    ] {
        let answer = app.get(&admin, &format!("{EXTS}?page={page}")).await;
        assert_eq!(answer.header("x-total-count"), total, "{page}");
        assert_eq!(answer.header("link").contains("next"), next, "{page}");
        assert_eq!(resources(&answer).len(), 10);
    }
    for q in [
        "username=rare",
        "operation=pull",
        "resource=library/app:v7",
        "operation_result=false",
        "resource_type=nope",
    ] {
        app.get(&admin, &format!("{EXTS}?q={}", escaped(q))).await;
        app.get(
            &admin,
            &format!("/api/v2.0/projects/library/logs?q={}", escaped(q)),
        )
        .await;
    }
    // A connection's figures are certain to be there when it is closed.
    let mut another = PgConnection::connect_with(&app.app.pool.connect_options())
        .await
        .unwrap();
    app.app.pool.close().await;
    let read = async |conn: &mut PgConnection| -> (i64, i64) {
        sqlx::query_as("SELECT seq_tup_read, idx_scan FROM pg_stat_user_tables WHERE relname = 'audit_log'")
            .fetch_one(conn)
            .await
            .unwrap()
    };
    let (mut by_scans, mut by_index) = read(&mut another).await;
    for _ in 0..100 {
        if by_index >= 28 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        (by_scans, by_index) = read(&mut another).await;
    }
    assert!(by_index >= 28, "{by_index} look-ups by an index");
    assert_eq!(by_scans, 0, "rows read by scans");
}

#[sqlx::test(migrations = "./migrations")]
async fn pulls_and_refused_logins_are_written_later(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let digest = push::image(&app, "library/hello", Some("v1"), "hello")
        .await
        .digest;
    let dev = app.create_user("dev").await;
    for path in [
        "/v2/library/hello/manifests/v1".to_owned(),
        "/v2/library/hello/manifests/v1".to_owned(),
        format!("/v2/library/hello/manifests/{digest}"),
    ] {
        assert_eq!(app.get(&dev, &path).await.status, StatusCode::OK);
    }
    app.send(&dev, Method::HEAD, "/v2/library/hello/manifests/v1")
        .await;
    app.advance(TimeDelta::seconds(1));
    let wrong = As::Basic("dev".to_owned(), "wrong".to_owned());
    assert_eq!(
        app.get(&wrong, "/api/v2.0/projects").await.status,
        StatusCode::UNAUTHORIZED
    );
    let read = async |q: &str| {
        let answer = app.get(&app.admin(), &format!("{EXTS}?q={}", escaped(q))).await;
        let list = answer.json();
        let seen = |entry: &Value| {
            json!([
                entry["username"],
                entry["resource"],
                entry["operation_description"],
                entry["operation_result"]
            ])
        };
        list.as_array().unwrap().iter().map(seen).collect::<Vec<_>>()
    };
    assert!(read("operation={pull login}").await.is_empty());
    app.app.audit.flush(&app.app).await.unwrap();
    app.app.audit.flush(&app.app).await.unwrap();
    let pull = format!("pull artifact: library/hello@{digest}");
    assert_eq!(
        read("operation=pull,resource=library/hello:v1").await,
        [json!([
            "dev",
            "library/hello:v1",
            format!("{pull} (2 times)"),
            true
        ])]
    );
    assert_eq!(
        read(&format!("operation=pull,resource=library/hello@{digest}")).await,
        [json!(["dev", format!("library/hello@{digest}"), pull, true])]
    );
    assert_eq!(read("operation=pull").await.len(), 2);
    assert_eq!(
        read("operation_result=false").await,
        [json!(["dev", "dev", "login refused: dev", false])]
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn h92_a_refused_login_is_written_with_its_address_and_program(pool: PgPool) {
    let app = TestApp::with_config(pool, |config| {
        config.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    })
    .await;
    for (path, name) in [
        ("/api/v2.0/projects", "admin"),
        ("/v2/", "nobody"),
        ("/service/token?service=harbor-registry", "robot$p+ci"),
    ] {
        let who = As::Basic(name.to_owned(), "a wrong guess".to_owned());
        let mut request = who
            .on(Request::get(path))
            .header("user-agent", "docker/28.2.2")
            .header("x-forwarded-for", "203.0.113.7")
            .body(Body::empty())
            .unwrap();
        let proxy: SocketAddr = "192.0.2.1:4711".parse().unwrap();
        request.extensions_mut().insert(Peer(proxy));
        assert_eq!(
            app.request(request).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    app.app.audit.flush(&app.app).await.unwrap();
    let rows: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT username, client_ip, user_agent FROM audit_log WHERE operation = 'login' AND NOT success ORDER BY username",
    )
    .fetch_all(&app.app.pool)
    .await
    .unwrap();
    let seen = |name: &str| {
        let (address, program) = ("203.0.113.7".to_owned(), "docker/28.2.2".to_owned());
        (name.to_owned(), Some(address), Some(program))
    };
    assert_eq!(rows, [seen("admin"), seen("nobody"), seen("robot$p+ci")]);
}
