use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::features::tests::push;
use crate::testing::{Answer, As, TestApp};

const RULES: &str = "/api/v2.0/projects/alpha/immutabletagrules";
const REL: &str = "/api/v2.0/projects/alpha/repositories/rel";

async fn alpha(pool: PgPool) -> (TestApp, As) {
    let app = TestApp::new(pool).await;
    app.create_project("alpha", false).await;
    let admin = app.admin();
    (app, admin)
}

fn rule(tags: &str, repositories: &str) -> Value {
    json!({
        "disabled": false, "action": "immutable", "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {"repository": [
            {"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories},
        ]},
    })
}

async fn add(app: &TestApp, rule: &Value) -> i64 {
    let answer = app.send_json(&app.admin(), Method::POST, RULES, rule).await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::CREATED, 0),
        "{answer:?}"
    );
    let id = answer
        .header("location")
        .strip_prefix(&format!("{RULES}/"))
        .unwrap();
    id.parse().unwrap()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (status, code),
        "{answer:?}"
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn rules_are_added_listed_changed_and_deleted(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let one = add(&app, &rule("1.*", "rel")).await;
    let two = add(&app, &rule("v{1,2}.*", "**")).await;
    let list = app.get(&admin, &format!("{RULES}?page_size=1")).await;
    assert_eq!(list.header("x-total-count"), "2");
    assert_eq!(
        list.header("link"),
        format!("<{RULES}?page=2&page_size=1>; rel=\"next\"")
    );
    let mut expected = rule("1.*", "rel");
    expected.as_object_mut().unwrap().remove("disabled");
    expected["id"] = json!(one);
    assert_eq!(list.json(), json!([expected]));

    refused(
        &app.send_json(&admin, Method::POST, RULES, &rule("1.*", "rel"))
            .await,
        409,
        "CONFLICT",
    );
    let uri = format!("{RULES}/{two}");
    let mut change = rule("v3.*", "app/**");
    change["id"] = json!(two);
    change["priority"] = json!(7);
    change["allow_delete"] = json!(true);
    assert_eq!(
        app.send_json(&admin, Method::PUT, &uri, &change).await.status,
        StatusCode::OK
    );
    change.as_object_mut().unwrap().remove("disabled");
    assert_eq!(app.get(&admin, RULES).await.json()[1], change);
    // Whether a rule is in force can be said alone.
    let off = json!({"id": two, "disabled": true});
    assert_eq!(
        app.send_json(&admin, Method::PUT, &uri, &off).await.status,
        StatusCode::OK
    );
    change["disabled"] = json!(true);
    assert_eq!(app.get(&admin, RULES).await.json()[1], change);
    for (query, ids) in [
        ("q=disabled%3Dtrue", json!([two])),
        ("q=disabled%3Dfalse", json!([one])),
        ("sort=-id", json!([two, one])),
        ("sort=-disabled", json!([two, one])),
    ] {
        let list = app.get(&admin, &format!("{RULES}?{query}")).await.json();
        let listed: Vec<_> = list.as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
        assert_eq!(json!(listed), ids, "{query}");
    }
    let mut same = rule("1.*", "rel");
    same["id"] = json!(two);
    refused(
        &app.send_json(&admin, Method::PUT, &uri, &same).await,
        409,
        "CONFLICT",
    );
    refused(
        &app.send_json(&admin, Method::PUT, &uri, &rule("x", "y")).await,
        400,
        "BAD_REQUEST",
    );

    let elsewhere = format!("/api/v2.0/projects/library/immutabletagrules/{two}");
    refused(
        &app.send_json(&admin, Method::PUT, &elsewhere, &change).await,
        404,
        "NOT_FOUND",
    );
    refused(
        &app.send(&admin, Method::DELETE, &elsewhere).await,
        404,
        "NOT_FOUND",
    );
    assert_eq!(
        app.send(&admin, Method::DELETE, &uri).await.status,
        StatusCode::OK
    );
    refused(&app.send(&admin, Method::DELETE, &uri).await, 404, "NOT_FOUND");
    let audited: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit_log WHERE resource_type = 'immutable_rule' AND project_id = 2",
    )
    .fetch_one(&app.app.pool)
    .await
    .unwrap();
    assert_eq!(audited, 5);
}

#[sqlx::test(migrations = "./migrations")]
async fn rules_that_could_not_work_are_refused(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let changed = |pointer: &str, value: Value| {
        let mut rule = rule("1.*", "rel");
        *rule.pointer_mut(pointer).unwrap() = value;
        rule
    };
    for (bad, part) in [
        (json!({}), "tag_selectors has 0"),
        (changed("/tag_selectors", json!([])), "tag_selectors has 0"),
        (changed("/tag_selectors", Value::Null), "tag_selectors has 0"),
        (
            changed("/scope_selectors", json!({})),
            "scope_selectors.repository has 0",
        ),
        (
            changed("/scope_selectors", json!({"project": []})),
            "only repository",
        ),
        (changed("/tag_selectors/0/pattern", json!("")), "empty"),
        (changed("/tag_selectors/0/pattern", json!("[bad")), "unclosed"),
        (changed("/tag_selectors/0/pattern", json!("x".repeat(257))), "256"),
        (
            changed("/tag_selectors/0/kind", json!("perl")),
            "doublestar, regex, semver",
        ),
        (
            changed("/tag_selectors/0/decoration", json!("nope")),
            "matches and excludes",
        ),
        (
            changed("/scope_selectors/repository/0/decoration", json!("matches")),
            "repoMatches",
        ),
        (changed("/template", json!("latestPushedK")), "immutable_template"),
        (changed("/action", json!("retain")), "immutable"),
    ] {
        let answer = app.send_json(&admin, Method::POST, RULES, &bad).await;
        refused(&answer, 400, "BAD_REQUEST");
        let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{bad}: {message}");
    }
    assert_eq!(app.get(&admin, RULES).await.header("x-total-count"), "0");
}

#[sqlx::test(migrations = "./migrations")]
async fn an_immutable_tag_is_not_deleted_by_the_api(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let image = push::image(&app, "alpha/rel", Some("1.0"), "one").await;
    push::image(&app, "alpha/rel", Some("free"), "two").await;
    push::referrer(&app, "alpha/rel", &image, "application/spdx+json").await;
    let id = add(&app, &rule("1.*", "rel")).await;

    for uri in [
        format!("{REL}/artifacts/1.0/tags/1.0"),
        format!("{REL}/artifacts/1.0"),
        format!("{REL}/artifacts/{}", image.digest),
        REL.to_owned(),
    ] {
        let answer = app.send(&admin, Method::DELETE, &uri).await;
        refused(&answer, 412, "PRECONDITION");
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(
            message.contains("1.0") && message.contains(&format!("rule {id}")),
            "{message}"
        );
    }
    let moved = app
        .send_json(
            &admin,
            Method::POST,
            &format!("{REL}/artifacts/free/tags"),
            &json!({"name": "1.0"}),
        )
        .await;
    refused(&moved, 409, "CONFLICT");
    assert_eq!(
        app.get(&admin, &format!("{REL}/artifacts/1.0?with_accessory=true"))
            .await
            .json()["accessories"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // New tags that match are no change, and others are free.
    let set = app
        .send_json(
            &admin,
            Method::POST,
            &format!("{REL}/artifacts/free/tags"),
            &json!({"name": "1.1"}),
        )
        .await;
    assert_eq!(set.status, StatusCode::CREATED, "{set:?}");
    let gone = app
        .send(&admin, Method::DELETE, &format!("{REL}/artifacts/free/tags/free"))
        .await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");

    let statuses = async |uri: String| {
        let tags = app.get(&admin, &uri).await.json();
        let tags = if tags[0]["tags"].is_array() {
            tags[0]["tags"].clone()
        } else {
            tags
        };
        tags.as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["immutable"].as_bool().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(format!("{REL}/artifacts/1.0/tags")).await, [false]);
    assert_eq!(
        statuses(format!("{REL}/artifacts/1.0/tags?with_immutable_status=true")).await,
        [true]
    );
    assert_eq!(
        statuses(format!("{REL}/artifacts?q=tags%3D1.0&with_immutable_status=true")).await,
        [true]
    );

    // Out of force.
    let off = json!({"id": id, "disabled": true});
    app.send_json(&admin, Method::PUT, &format!("{RULES}/{id}"), &off)
        .await;
    assert_eq!(
        statuses(format!("{REL}/artifacts/1.0/tags?with_immutable_status=true")).await,
        [false]
    );
    assert_eq!(app.send(&admin, Method::DELETE, REL).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "./migrations")]
async fn h70_tags_that_may_be_deleted_may_not_be_moved(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/rel", Some("v1"), "one").await;
    let mut lenient = rule("v*", "**");
    lenient["allow_delete"] = json!(true);
    add(&app, &lenient).await;
    let deleted = app
        .send(&admin, Method::DELETE, &format!("{REL}/artifacts/v1"))
        .await;
    assert_eq!(deleted.status, StatusCode::OK, "{deleted:?}");
    push::image(&app, "alpha/rel", Some("v1"), "two").await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_project_that_is_removed_by_force_takes_its_rules_with_it(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/rel", Some("1.0"), "one").await;
    add(&app, &rule("**", "**")).await;
    let gone = app
        .send(&admin, Method::DELETE, "/api/v2.0/projects/alpha?force=true")
        .await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM immutable_rules")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}
