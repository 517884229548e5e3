use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::features::tests::push;
use crate::testing::{As, TestApp};

const PROJECTS: &str = "/api/v2.0/projects";

async fn create(app: &TestApp, who: &As, body: Value) -> crate::testing::Answer {
    app.send_json(who, Method::POST, PROJECTS, &body).await
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|project| project["name"].as_str().unwrap())
        .collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn a_project_has_harbors_shape(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let body = json!({"project_name": "alpha", "metadata": {"public": "false", "severity": "HIGH"}, "storage_limit": -1});
    let answer = create(&app, &admin, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(
        (answer.header("location"), answer.body.len()),
        ("/api/v2.0/projects/2", 0)
    );
    assert_eq!(
        app.get(&admin, "/api/v2.0/projects/alpha").await.json(),
        json!({
            "project_id": 2, "name": "alpha", "owner_id": 1, "owner_name": "admin", "repo_count": 0,
            "current_user_role_id": 1, "current_user_role_ids": [1],
            "metadata": {"public": "false", "severity": "high"},
            "cve_allowlist": {
                "id": 2, "project_id": 2, "items": [],
                "creation_time": "0001-01-01T00:00:00.000Z", "update_time": "0001-01-01T00:00:00.000Z",
            },
            "creation_time": "2026-01-02T03:04:05.000Z", "update_time": "2026-01-02T03:04:05.000Z",
        })
    );
    let list = app
        .get(&admin, "/api/v2.0/projects?with_detail=false&name=alpha")
        .await;
    assert_eq!(list.header("x-total-count"), "1");
    assert_eq!(
        list.json(),
        json!([{
            "project_id": 2, "name": "alpha", "owner_id": 1, "repo_count": 0,
            "current_user_role_id": 1, "current_user_role_ids": [1],
            "cve_allowlist": {
                "items": null,
                "creation_time": "0001-01-01T00:00:00.000Z", "update_time": "0001-01-01T00:00:00.000Z",
            },
            "creation_time": "2026-01-02T03:04:05.000Z", "update_time": "2026-01-02T03:04:05.000Z",
        }])
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn bad_projects_are_refused(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    for (name, status) in [
        ("Alpha", 400),
        ("-alpha", 400),
        ("alpha-", 400),
        ("al--pha", 400),
        ("al..pha", 400),
        ("al/pha", 400),
        ("", 400),
        ("a b", 400),
        ("ä", 400),
        (&"a".repeat(256), 422),
        (&"a".repeat(255), 201),
        ("a", 201),
        ("1", 201),
        ("a.b-c_d", 201),
        ("api", 201),
        ("library", 409),
    ] {
        let answer = create(&app, &admin, json!({"project_name": name})).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {answer:?}");
    }
    for (body, status) in [
        (json!({"project_name": "x1", "metadata": {"public": "TRUE"}}), 400),
        (json!({"project_name": "x2", "metadata": {"public": true}}), 422),
        (
            json!({"project_name": "x3", "metadata": {"severity": "bogus"}}),
            400,
        ),
        (
            json!({"project_name": "x4", "metadata": {"retention_id": "1"}}),
            400,
        ),
        (json!({"project_name": "x5", "storage_limit": -2}), 400),
        (
            json!({"project_name": "x6", "storage_limit": 1125899906842625_i64}),
            400,
        ),
        (json!({"project_name": "x7", "storage_limit": "5"}), 422),
        (json!([]), 422),
        (json!("x"), 422),
        (Value::Null, 422),
        (json!({"project_name": "x8", "registry_id": 1}), 400),
        (
            json!({"project_name": "x9", "metadata": {"nonsense": "1"}, "more": {}}),
            201,
        ),
    ] {
        let answer = create(&app, &admin, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
    }
    let text = |content_type: &str, body: &str| {
        let builder = Request::builder()
            .method(Method::POST)
            .uri(PROJECTS)
            .header("content-type", content_type);
        admin.on(builder).body(Body::from(body.to_owned())).unwrap()
    };
    assert_eq!(
        app.request(text("application/json", "nonsense"))
            .await
            .status
            .as_u16(),
        422
    );
    assert_eq!(
        app.request(text("application/json", "")).await.status.as_u16(),
        422
    );
    assert_eq!(
        app.request(text("application/x-www-form-urlencoded", "{}"))
            .await
            .status
            .as_u16(),
        422
    );
    assert_eq!(
        create(&app, &As::Nobody, json!({"project_name": "y"}))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    // What PostgreSQL cannot hold is the client's fault, not ours.
    for path in [
        "/api/v2.0/projects/%00",
        "/api/v2.0/projects/%ff",
        "/api/v2.0/projects?name=%00",
        "/api/v2.0/projects?q=name%3D%2500",
    ] {
        let answer = app.get(&admin, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "BAD_REQUEST"),
            "{path}: {answer:?}"
        );
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        app.request(text("application/json", &deep)).await.status.as_u16(),
        422
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn everybody_sees_his_own_and_public_ones(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dev = app.create_user("dev").await;
    let created = create(
        &app,
        &dev,
        json!({"project_name": "devown", "storage_limit": 5, "public": false}),
    )
    .await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    app.create_project("secret", false).await;
    let alpha = app.create_project("alpha", false).await;
    let robot = app
        .create_robot((alpha, "alpha"), "r", &[("repository", "pull")])
        .await;
    let everywhere = json!([{"kind": "project", "namespace": "*", "access": [{"resource": "repository", "action": "pull"}]}]);
    let system = app.create_system_robot("s", everywhere).await;
    for (who, expected) in [
        (&As::Nobody, vec!["library"]),
        (&dev, vec!["devown", "library"]),
        (&robot, vec!["alpha", "library"]),
        (&system, vec!["alpha", "devown", "library", "secret"]),
        (&app.admin(), vec!["alpha", "devown", "library", "secret"]),
    ] {
        let answer = app.get(who, PROJECTS).await;
        assert_eq!(names(&answer.json()), expected, "{who:?}");
        assert_eq!(answer.header("x-total-count"), expected.len().to_string());
    }
    // Only administrators set limits.
    let quota = app.get(&dev, "/api/v2.0/projects/devown/summary").await.json();
    assert_eq!(quota["quota"]["hard"]["storage"], -1);
    assert_eq!(
        app.get(&app.admin(), "/api/v2.0/projects/devown").await.json()["current_user_role_ids"],
        Value::Null
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn lists_are_filtered_sorted_and_paged(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    for (name, public) in [
        ("alpha", false),
        ("alphabet", true),
        ("b_t", false),
        ("bat", false),
    ] {
        app.create_project(name, public).await;
    }
    for (query, expected) in [
        ("q=name%3Dalpha", vec!["alpha"]),
        ("q=name%253Dalpha", vec!["alpha"]),
        ("q=name%3D~ALPHA", vec!["alpha", "alphabet"]),
        ("q=name%3D~b_t", vec!["b_t"]),
        ("q=name%3D%7B'alpha'%20bat%7D", vec!["alpha", "bat"]),
        ("q=name%3Dalpha,public%3Dtrue", vec![]),
        ("q=nope%3D1&public=false", vec!["alpha", "b_t", "bat"]),
        ("name=phab", vec!["alphabet"]),
        ("public=1", vec!["alphabet", "library"]),
        ("owner=nobody", vec![]),
        ("sort=-name&page_size=2&page=2", vec!["b_t", "alphabet"]),
        ("sort=nope,-name&page_size=1", vec!["library"]),
        ("page_size=2&page=100", vec![]),
    ] {
        let answer = app.get(&admin, &format!("{PROJECTS}?{query}")).await;
        assert_eq!(names(&answer.json()), expected, "{query}");
    }
    let page = app.get(&admin, &format!("{PROJECTS}?page_size=2&page=2")).await;
    assert_eq!(
        page.header("link"),
        "</api/v2.0/projects?page=1&page_size=2>; rel=\"prev\" , </api/v2.0/projects?page=3&page_size=2>; rel=\"next\""
    );
    for (query, status) in [
        ("q=,,,", 400),
        ("q=name", 400),
        ("q=project_id%3Dabc", 400),
        ("page_size=101", 422),
        ("page=x", 422),
    ] {
        assert_eq!(
            app.get(&admin, &format!("{PROJECTS}?{query}"))
                .await
                .status
                .as_u16(),
            status,
            "{query}"
        );
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn names_that_are_numbers_can_be_meant(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("1", false).await;
    assert_eq!(
        app.get(&admin, "/api/v2.0/projects/1").await.json()["name"],
        "library"
    );
    let builder = Request::builder()
        .uri("/api/v2.0/projects/1")
        .header("x-is-resource-name", "true");
    let by_name = app.request(admin.on(builder).body(Body::empty()).unwrap()).await;
    assert_eq!(by_name.json()["name"], "1");
    let builder = Request::builder()
        .method(Method::POST)
        .uri(PROJECTS)
        .header("content-type", "application/json");
    let builder = admin.on(builder).header("x-resource-name-in-location", "true");
    let answer = app
        .request(builder.body(Body::from(r#"{"project_name":"named"}"#)).unwrap())
        .await;
    assert_eq!(answer.header("location"), "/api/v2.0/projects/named");
}

#[sqlx::test(migrations = "./migrations")]
async fn only_named_settings_change(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    create(
        &app,
        &admin,
        json!({"project_name": "alpha", "metadata": {"auto_scan": "true"}}),
    )
    .await;
    for body in [
        json!({"metadata": {"severity": "low"}}),
        json!({"project_name": "renamed", "storage_limit": 5, "metadata": {}}),
        json!({"metadata": {"public": "true"}, "cve_allowlist": {"items": [{"cve_id": "CVE-1"}], "expires_at": 9}}),
    ] {
        let answer = app
            .send_json(&admin, Method::PUT, "/api/v2.0/projects/alpha", &body)
            .await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::OK, 0),
            "{answer:?}"
        );
    }
    let project = app.get(&admin, "/api/v2.0/projects/alpha").await.json();
    assert_eq!(
        project["metadata"],
        json!({"public": "true", "severity": "low", "auto_scan": "true"})
    );
    assert_eq!(project["cve_allowlist"]["items"], json!([{"cve_id": "CVE-1"}]));
    assert_eq!(project["cve_allowlist"]["expires_at"], 9);
}

#[sqlx::test(migrations = "./migrations")]
async fn h67_a_project_with_repositories_says_what_is_left(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let id = app.create_project("alpha", false).await;
    let robot = app
        .create_robot((id, "alpha"), "r", &[("repository", "pull")])
        .await;
    let other = json!([
        {"kind": "project", "namespace": "alpha", "access": [{"resource": "repository", "action": "pull"}]},
        {"kind": "project", "namespace": "library", "access": [{"resource": "repository", "action": "pull"}]},
    ]);
    app.create_system_robot("s", other).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    push::image(&app, "alpha/hello", Some("v2"), "two").await;

    let deletable = app
        .get(&admin, "/api/v2.0/projects/alpha/_deletable")
        .await
        .json();
    assert_eq!(deletable.get("deletable"), None, "{deletable}");
    let answer = app.send(&admin, Method::DELETE, "/api/v2.0/projects/alpha").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (412, "PRECONDITION")
    );
    let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("1 repositories with 2 artifacts"), "{message}");

    let answer = app
        .send(&admin, Method::DELETE, "/api/v2.0/projects/alpha?force=true")
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        app.get(&admin, "/api/v2.0/projects/alpha").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(app.get(&robot, PROJECTS).await.status, StatusCode::UNAUTHORIZED);
    let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&app.app.pool);
    assert_eq!(count("SELECT count(*) FROM repositories").await.unwrap(), 0);
    assert_eq!(
        count("SELECT count(*) FROM robots WHERE project_id IS NOT NULL")
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        count("SELECT count(*) FROM project_blobs WHERE links > 0")
            .await
            .unwrap(),
        0
    );
    assert!(count("SELECT count(*) FROM blob_reviews").await.unwrap() > 0);

    // A later project of the same name does not open to those who might enter the first.
    create(&app, &admin, json!({"project_name": "alpha"})).await;
    let system = app.get(&admin, "/api/v2.0/robots").await.json();
    assert_eq!(system[0]["permissions"].as_array().unwrap().len(), 1, "{system}");
    assert_eq!(
        app.get(&admin, "/api/v2.0/projects/alpha").await.json()["repo_count"],
        0
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn every_change_is_told(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dev = app.create_user("dev").await;
    create(&app, &dev, json!({"project_name": "own"})).await;
    app.send_json(
        &dev,
        Method::PUT,
        "/api/v2.0/projects/own",
        &json!({"metadata": {"public": "true"}}),
    )
    .await;
    app.send(&dev, Method::DELETE, "/api/v2.0/projects/own").await;
    let audit: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT username, operation, resource FROM audit_log WHERE resource_type = 'project' ORDER BY id",
    )
    .fetch_all(&app.app.pool)
    .await
    .unwrap();
    let line = |operation: &str| ("dev".to_owned(), operation.to_owned(), "own".to_owned());
    assert_eq!(audit, [line("create"), line("update"), line("delete")]);
    let events: Vec<String> =
        sqlx::query_scalar("SELECT kind FROM events WHERE kind LIKE 'project.%' ORDER BY id")
            .fetch_all(&app.app.pool)
            .await
            .unwrap();
    assert_eq!(events, ["project.created", "project.updated", "project.deleted"]);
    // What is refused leaves no trace.
    create(&app, &dev, json!({"project_name": "library"})).await;
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(events, 3);
}

#[sqlx::test(migrations = "./migrations")]
async fn robots_create_projects_only_with_that_permission(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let access = |action: &str| json!([{"kind": "system", "namespace": "/", "access": [{"resource": "project", "action": action}]}]);
    let creator = app.create_system_robot("creator", access("create")).await;
    let lister = app.create_system_robot("lister", access("list")).await;
    let local = app
        .create_robot((1, "library"), "local", &[("project", "read")])
        .await;
    assert_eq!(
        create(&app, &creator, json!({"project_name": "a"})).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        create(&app, &lister, json!({"project_name": "b"})).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        create(&app, &local, json!({"project_name": "c"})).await.status,
        StatusCode::FORBIDDEN
    );
    let project = app.get(&app.admin(), "/api/v2.0/projects/a").await.json();
    assert_eq!(
        (&project["owner_name"], &project["current_user_role_id"]),
        (&json!("admin"), &json!(1))
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn counts_are_those_of_the_caller(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("alpha", false).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    push::image(&app, "library/hello", Some("v1"), "one").await;
    let dev = app.create_user("dev").await;
    let outsider = app.create_user("outsider").await;
    app.add_member(id, "dev", 5).await;
    let statistics = app.get(&outsider, "/api/v2.0/statistics").await.json();
    assert_eq!(
        (
            &statistics["private_project_count"],
            &statistics["total_storage_consumption"]
        ),
        (&json!(0), &json!(0))
    );
    let statistics = app.get(&app.admin(), "/api/v2.0/statistics").await.json();
    assert_eq!(
        (
            &statistics["total_project_count"],
            &statistics["total_repo_count"]
        ),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        app.get(&As::Nobody, "/api/v2.0/statistics").await.status,
        StatusCode::UNAUTHORIZED
    );

    let found = |who: &As| {
        let who = who.clone();
        let app = &app;
        async move { app.get(&who, "/api/v2.0/search?q=HELL").await.json() }
    };
    assert_eq!(found(&outsider).await["repository"].as_array().unwrap().len(), 1);
    assert_eq!(found(&dev).await["repository"].as_array().unwrap().len(), 2);
    assert_eq!(found(&dev).await["project"], json!([]));

    let summary = app.get(&dev, "/api/v2.0/projects/alpha/summary").await.json();
    assert_eq!(
        summary.get("limited_guest_count"),
        None,
        "limited guests do not see members: {summary}"
    );
    assert_eq!(summary["quota"]["hard"]["storage"], -1);
    let summary = app
        .get(&As::Nobody, "/api/v2.0/projects/library/summary")
        .await
        .json();
    assert_eq!(summary, json!({"repo_count": 1}));
}
