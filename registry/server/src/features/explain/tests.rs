use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_model::permission::Role;
use sqlx::PgPool;

use super::reference::Named;
use crate::features::tests::push;
use crate::testing::{Answer, As, TestApp};

const EXPLAIN: &str = "/api/slipway/v1/explain";

async fn ask(app: &TestApp, who: &As, query: &str) -> Answer {
    app.get(who, &format!("{EXPLAIN}?{query}")).await
}

/// What is answered in short: is it allowed, and what the last check says decides it.
fn short(answer: &Answer) -> (bool, String) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let body = answer.json();
    let last = body["checks"].as_array().unwrap().last().unwrap();
    let name = last["name"].as_str().unwrap();
    let by = last["decided_by"].as_str().unwrap();
    (body["allowed"].as_bool().unwrap(), format!("{name} by {by}"))
}

fn permission(answer: &Answer) -> Value {
    answer.json()["checks"][0]["decided_by"].clone()
}

async fn world(pool: PgPool) -> (TestApp, i64, As) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("alpha", false).await;
    push::image(&app, "alpha/hello", Some("v1"), "hello").await;
    let admin = app.admin();
    (app, id, admin)
}

/// The request itself, on `/v2/`, with a name and password: does the gate let it through?
async fn is_let_in(app: &TestApp, who: &As, action: &str) -> bool {
    let (method, uri) = match action {
        "pull" => (Method::GET, "/v2/alpha/hello/manifests/v1"),
        "push" => (Method::POST, "/v2/alpha/hello/blobs/uploads/"),
        _ => (
            Method::DELETE,
            "/v2/alpha/hello/manifests/a-tag-that-is-not-there",
        ),
    };
    let status = app.send(who, method, uri).await.status;
    !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

#[sqlx::test(migrations = "./migrations")]
async fn it_says_what_the_request_would_come_to_and_why(pool: PgPool) {
    let (app, id, admin) = world(pool).await;
    let mut callers = vec![
        (admin, "administrator".to_owned()),
        (As::Nobody, "no account".to_owned()),
        (app.create_user("stranger").await, "no role".to_owned()),
    ];
    for (name, role, word) in [
        ("padmin", Role::ProjectAdmin, "project administrator"),
        ("maintainer", Role::Maintainer, "maintainer"),
        ("dev", Role::Developer, "developer"),
        ("guest", Role::Guest, "guest"),
        ("limited", Role::LimitedGuest, "limited guest"),
    ] {
        let who = app.create_user(name).await;
        app.add_member(id, name, role.id()).await;
        callers.push((who, format!("role {word}")));
    }
    for (who, by) in &callers {
        for action in ["pull", "push", "delete"] {
            let query = format!("reference=alpha/hello&action={action}");
            let answer = ask(&app, who, &query).await;
            assert_eq!(
                answer.json()["allowed"],
                is_let_in(&app, who, action).await,
                "{who:?} {answer:?}"
            );
            assert_eq!(permission(&answer), json!(by), "{who:?} {answer:?}");
        }
    }
    let project = (id, "alpha");
    let pusher = app
        .create_robot(project, "pusher", &[("repository", "push")])
        .await;
    let deleter = app
        .create_robot(project, "deleter", &[("artifact", "delete")])
        .await;
    for (who, action, expected) in [
        (&pusher, "pull", (true, "content by content")),
        (&pusher, "push", (true, "quota by quota")),
        (&pusher, "delete", (false, "permission by permissions")),
        (&deleter, "delete", (true, "immutable_tags by no rule")),
    ] {
        let query = format!("reference=alpha/hello:v1&action={action}");
        let answer = ask(&app, who, &query).await;
        assert_eq!(short(&answer), (expected.0, expected.1.to_owned()), "{answer:?}");
        assert_eq!(expected.0, is_let_in(&app, who, action).await, "{action}");
    }
    let pull = ask(&app, &pusher, "reference=alpha/hello:v1&action=pull").await;
    assert_eq!(permission(&pull), "permission repository:push");
    let delete = ask(&app, &deleter, "reference=alpha/hello:v1&action=delete").await;
    assert_eq!(permission(&delete), "permission artifact:delete");
    sqlx::query("UPDATE projects SET public = true")
        .execute(&app.app.pool)
        .await
        .unwrap();
    let pull = ask(&app, &As::Nobody, "reference=alpha/hello:v1&action=pull").await;
    assert_eq!(permission(&pull), "public project");
}

#[sqlx::test(migrations = "./migrations")]
async fn rules_quotas_and_what_is_there_count(pool: PgPool) {
    let (app, id, admin) = world(pool).await;
    let part = push::image(&app, "alpha/hello", None, "part").await;
    push::index(&app, "alpha/hello", "multi", &[&part]).await;
    let rule =
        json!({"tag_selectors": [{"pattern": "v*"}], "scope_selectors": {"repository": [{"pattern": "**"}]}});
    let rules = "/api/v2.0/projects/alpha/immutabletagrules";
    let made = app.send_json(&admin, Method::POST, rules, &rule).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let rule = made.header("location").rsplit('/').next().unwrap().to_owned();
    let held = format!("immutable_tags by rule {rule}");
    for (reference, action, allowed, last) in [
        ("hello:v1", "pull", true, "content by content"),
        ("hello:v2", "pull", false, "content by content"),
        ("hello:v1", "delete", false, held.as_str()),
        ("hello:multi", "delete", true, "immutable_tags by no rule"),
        ("hello:v2", "push", true, "quota by quota"),
        ("nope", "pull", false, "content by content"),
        ("nope:v1", "push", true, "quota by quota"),
    ] {
        let query = format!("reference=alpha/{reference}&action={action}");
        let answer = ask(&app, &admin, &query).await;
        assert_eq!(short(&answer), (allowed, last.to_owned()), "{query}: {answer:?}");
    }
    // A tag that would be moved, and a manifest that an index needs.
    let moved = ask(&app, &admin, "reference=alpha/hello:v1&action=push")
        .await
        .json();
    assert_eq!(
        (&moved["allowed"], &moved["checks"][1]["decided_by"]),
        (&json!(false), &json!(format!("rule {rule}")))
    );
    let query = format!("reference=alpha/hello@{}&action=delete", part.digest);
    let part = ask(&app, &admin, &query).await.json();
    assert_eq!(
        (&part["allowed"], &part["checks"][2]["name"]),
        (&json!(false), &json!("index"))
    );
    sqlx::query("UPDATE projects SET storage_limit = 1 WHERE id = $1")
        .bind(id)
        .execute(&app.app.pool)
        .await
        .unwrap();
    let full = ask(&app, &admin, "reference=alpha/hello:v2&action=push").await;
    assert_eq!(short(&full), (false, "quota by quota".to_owned()));
    let read_only = json!({"read_only": true});
    app.send_json(&admin, Method::PUT, "/api/v2.0/configurations", &read_only)
        .await;
    let push = ask(&app, &admin, "reference=alpha/hello:v2&action=push")
        .await
        .json();
    assert_eq!(push["checks"][1]["name"], "read_only", "{push}");
}

#[sqlx::test(migrations = "./migrations")]
async fn others_are_explained_to_those_who_manage_them(pool: PgPool) {
    let (app, id, admin) = world(pool).await;
    let padmin = app.create_user("padmin").await;
    let dev = app.create_user("dev").await;
    app.create_user("stranger").await;
    app.add_member(id, "padmin", Role::ProjectAdmin.id()).await;
    app.add_member(id, "dev", Role::Developer.id()).await;
    app.create_robot((id, "alpha"), "ci", &[("repository", "pull")])
        .await;
    let access = json!([{"kind": "project", "namespace": "*", "access": [{"resource": "repository", "action": "pull"}]}]);
    app.create_system_robot("all", access).await;
    for (who, whom, status) in [
        (&admin, "user=dev", 200),
        (&admin, "user=stranger", 200),
        (&admin, "user=nobody-such", 404),
        (&admin, "robot=robot-all", 200),
        (&admin, "robot=robot$alpha%2Bci", 200),
        (&admin, "robot=robot-none", 404),
        (&padmin, "user=dev", 200),
        (&padmin, "user=stranger", 404),
        (&padmin, "user=nobody-such", 404),
        (&padmin, "user=admin", 404),
        (&padmin, "robot=robot-alpha--ci", 200),
        (&padmin, "robot=robot-all", 404),
        (&dev, "user=dev", 200),
        (&dev, "user=padmin", 403),
        (&dev, "robot=robot-alpha--ci", 403),
        (&As::Nobody, "user=dev", 401),
    ] {
        let query = format!("reference=alpha/hello:v1&action=pull&{whom}");
        let answer = ask(&app, who, &query).await;
        assert_eq!(answer.status.as_u16(), status, "{whom} as {who:?}: {answer:?}");
    }
    let of_dev = ask(&app, &padmin, "reference=alpha/hello:v1&action=delete&user=dev").await;
    assert_eq!(short(&of_dev), (false, "permission by role developer".to_owned()));
    assert_eq!(of_dev.json()["caller"], "dev");
    sqlx::query("UPDATE robots SET disabled = true")
        .execute(&app.app.pool)
        .await
        .unwrap();
    let query = "reference=alpha/hello:v1&action=pull&robot=robot-alpha--ci";
    let disabled = ask(&app, &padmin, query).await;
    assert_eq!(short(&disabled), (false, "account by account".to_owned()));
}

#[sqlx::test(migrations = "./migrations")]
async fn bad_questions_are_named(pool: PgPool) {
    let (app, _, admin) = world(pool).await;
    for (query, status, says) in [
        ("action=pull", 422, "reference"),
        ("reference=alpha/hello", 422, "action"),
        ("reference=alpha/hello&action=drop", 400, "pull, push and delete"),
        ("reference=alpha&action=pull", 400, "project/repository"),
        ("reference=alpha/hello:&action=pull", 400, "project/repository"),
        (
            "reference=alpha/hello@sha256:abc&action=pull",
            400,
            "project/repository",
        ),
        (
            "reference=alpha/hello&action=pull&user=a&robot=b",
            400,
            "one of them",
        ),
        ("reference=absent/hello&action=pull", 404, "absent"),
    ] {
        let answer = ask(&app, &admin, query).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {answer:?}");
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(message.contains(says), "{query}: {message}");
    }
}

#[test]
fn references_are_read_as_clients_write_them() {
    let digest = format!("sha256:{}", "a".repeat(64));
    for (text, shown) in [
        ("p/a/b", "p/a/b".to_owned()),
        ("p/a:v1", "p/a:v1".to_owned()),
        ("r.example.org:5000/p/a:v1", "p/a:v1".to_owned()),
        (&format!("p/a@{digest}"), format!("p/a@{digest}")),
        (&format!("p/a:v1@{digest}"), format!("p/a@{digest}")),
    ] {
        let named = Named::parse(text, "r.example.org:5000").unwrap();
        assert_eq!(named.to_string(), shown);
    }
    assert!(Named::parse("other.example.org:5000/p/a", "r.example.org:5000").is_err());
}
