use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use slipway_api::RobotPermission;
use sqlx::PgPool;

use super::rules::{self, Level};
use crate::testing::{Answer, As, TestApp};

const ROBOTS: &str = "/api/v2.0/robots";

fn wanted(name: &str, namespace: &str, access: &[(&str, &str)]) -> Value {
    let access: Vec<Value> = access
        .iter()
        .map(|(resource, action)| json!({"resource": resource, "action": action}))
        .collect();
    json!({
        "name": name, "level": "project", "duration": -1,
        "permissions": [{"kind": "project", "namespace": namespace, "access": access}],
    })
}

async fn create(app: &TestApp, who: &As, body: &Value) -> Answer {
    app.send_json(who, Method::POST, ROBOTS, body).await
}

fn robot(created: &Answer) -> (As, String) {
    let body = created.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (
        As::Basic(text("name"), text("secret")),
        format!("{ROBOTS}/{}", body["id"]),
    )
}

#[test]
fn permissions_are_those_of_the_table() {
    let permission = |kind: &str, namespace: &str, pair: (&str, &str), effect: &str| -> RobotPermission {
        let access = json!([{"resource": pair.0, "action": pair.1, "effect": effect}]);
        serde_json::from_value(json!({"kind": kind, "namespace": namespace, "access": access})).unwrap()
    };
    let pull = ("repository", "pull");
    for (level, permission, good) in [
        (Level::Project, permission("project", "p", pull, ""), true),
        (Level::Project, permission("project", "p", pull, "deny"), true),
        (Level::Project, permission("project", "p", pull, "perhaps"), false),
        (
            Level::Project,
            permission("project", "p", ("repository", "fly"), ""),
            false,
        ),
        (
            Level::Project,
            permission("project", "p", ("project", "create"), ""),
            false,
        ),
        (Level::Project, permission("galaxy", "p", pull, ""), false),
        (
            Level::System,
            permission("system", "/", ("project", "create"), ""),
            true,
        ),
        (
            Level::System,
            permission("system", "p", ("project", "create"), ""),
            false,
        ),
        (Level::System, permission("system", "/", pull, ""), false),
    ] {
        assert_eq!(
            rules::permissions(level, std::slice::from_ref(&permission)).is_ok(),
            good,
            "{permission:?}"
        );
    }
    assert!(rules::permissions(Level::System, &[]).is_err());
    for (days, good) in [
        (-1, true),
        (1, true),
        (0, false),
        (-2, false),
        (i64::from(i32::MAX), false),
    ] {
        assert_eq!(rules::duration(days).is_ok(), good, "{days}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_robot_has_harbors_shape(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    let mut body = wanted("ci", "alpha", &[("repository", "pull")]);
    body["duration"] = json!(30);
    body["description"] = json!("builds");
    let created = create(&app, &admin, &body).await;
    assert_eq!(
        (created.status, created.header("location")),
        (StatusCode::CREATED, "/api/v2.0/robots/1")
    );
    let answer = created.json();
    assert_eq!(answer["secret"].as_str().unwrap().len(), 32);
    assert_eq!(
        (&answer["id"], &answer["expires_at"]),
        (&json!(1), &json!(1769915045))
    );
    let read = app.get(&admin, "/api/v2.0/robots/1").await.json();
    assert_eq!(
        read,
        json!({
            "id": 1, "name": "robot-alpha--ci", "level": "project", "description": "builds", "duration": 30,
            "disable": false, "editable": true, "expires_at": 1769915045,
            "creator_type": "local", "creator_ref": 1,
            "permissions": [{
                "kind": "project", "namespace": "alpha", "access": [{"resource": "repository", "action": "pull"}],
            }],
            "creation_time": "2026-01-02T03:04:05.000Z", "update_time": "2026-01-02T03:04:05.000Z",
        })
    );
    let list = app
        .get(&admin, "/api/v2.0/robots?q=Level%3Dproject,ProjectID%3D2")
        .await;
    assert_eq!((list.header("x-total-count"), list.json()), ("1", json!([read])));
    assert_eq!(app.get(&admin, ROBOTS).await.json(), json!([]));
    let by_name = "q=Level%253Dproject%252CProjectID%253D2%252Cname%253Dalpha%252Bci";
    assert_eq!(
        app.get(&admin, &format!("{ROBOTS}?{by_name}"))
            .await
            .header("x-total-count"),
        "1"
    );
    for (q, status) in [
        ("Level%3Dgalaxy", 400),
        ("Level%3Dproject", 400),
        ("Level%3Dproject,ProjectID%3Dx", 400),
    ] {
        assert_eq!(
            app.get(&admin, &format!("{ROBOTS}?q={q}")).await.status.as_u16(),
            status,
            "{q}"
        );
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn h47_robot_names_need_no_quoting_and_harbors_log_in_too(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    let list = "/api/v2.0/projects/alpha/repositories";
    let created = create(&app, &admin, &wanted("ci", "alpha", &[("repository", "list")])).await;
    let (who, _) = robot(&created);
    let As::Basic(name, secret) = &who else {
        unreachable!()
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    assert!(name.bytes().all(plain), "{name}");
    for login in [name.as_str(), "robot$alpha+ci"] {
        let who = As::Basic(login.to_owned(), secret.clone());
        assert_eq!(app.get(&who, list).await.status, StatusCode::OK, "{login}");
    }
    let other = As::Basic("robot$alpha+other".to_owned(), secret.clone());
    assert_eq!(app.get(&other, list).await.status, StatusCode::UNAUTHORIZED);
    // The prefix that Harbor has, if one wants it; old names go on.
    let change = |config: &mut crate::config::Config| {
        config.robot.prefix = "robot$".to_owned();
        config.robot.separator = "+".to_owned();
    };
    let compatible = TestApp::with_config(pool, change).await;
    let created = create(
        &compatible,
        &admin,
        &wanted("cd", "alpha", &[("repository", "list")]),
    )
    .await;
    assert_eq!(created.json()["name"], "robot$alpha+cd");
    let (who, _) = robot(&created);
    assert_eq!(compatible.get(&who, list).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "./migrations")]
async fn bad_robots_are_refused(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    app.create_project("beta", false).await;
    let good = wanted("ci", "alpha", &[("repository", "pull")]);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        body
    };
    let second = good["permissions"][0].clone();
    for (body, status) in [
        (with(&|b| b["name"] = json!("Bad")), 400),
        (with(&|b| b["name"] = json!("a b")), 400),
        (with(&|b| b["name"] = json!("")), 400),
        (with(&|b| b["name"] = json!("n".repeat(250))), 400),
        (with(&|b| b["level"] = json!("galaxy")), 400),
        (with(&|b| b["level"] = Value::Null), 400),
        (with(&|b| b["permissions"] = json!([])), 400),
        (with(&|b| b["permissions"] = Value::Null), 400),
        (with(&|b| b["permissions"] = json!([second, second])), 400),
        (with(&|b| b["permissions"][0]["access"] = json!([])), 400),
        (with(&|b| b["permissions"][0]["namespace"] = json!("nope")), 404),
        (with(&|b| b["permissions"][0]["namespace"] = json!("*")), 404),
        (with(&|b| b["duration"] = json!(0)), 400),
        (with(&|b| b["duration"] = json!(2147483647)), 400),
        (with(&|b| b["duration"] = json!("x")), 422),
        (with(&|b| b["duration"] = json!(2147483646)), 400),
        (with(&|b| b["description"] = json!("a\u{0}b")), 400),
        (with(&|_| {}), 201),
        (with(&|_| {}), 409),
    ] {
        let answer = create(&app, &admin, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
    }
    // A secret that is sent along is not taken.
    let sent = with(&|b| {
        b["name"] = json!("own");
        b["secret"] = json!("Own-secret-1");
    });
    assert_ne!(create(&app, &admin, &sent).await.json()["secret"], "Own-secret-1");
}

#[sqlx::test(migrations = "./migrations")]
async fn h50_a_robot_grants_only_what_it_holds(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let alpha = app.create_project("alpha", false).await;
    app.create_project("beta", false).await;
    let held = [("robot", "create"), ("repository", "pull")];
    let maker = app.create_robot((alpha, "alpha"), "maker", &held).await;
    let narrower = create(&app, &maker, &wanted("narrow", "alpha", &held[1..])).await;
    assert_eq!(narrower.status, StatusCode::CREATED, "{narrower:?}");
    let read = app.get(&app.admin(), robot(&narrower).1.as_str()).await.json();
    assert_eq!(read["creator_type"], "robot");
    let wider = create(&app, &maker, &wanted("wide", "alpha", &[("repository", "push")])).await;
    assert_eq!(
        (wider.status, wider.code().as_str()),
        (StatusCode::FORBIDDEN, "DENIED")
    );
    let elsewhere = create(&app, &maker, &wanted("else", "beta", &held[1..])).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    let mut system = wanted("system", "alpha", &held[1..]);
    system["level"] = json!("system");
    assert_eq!(create(&app, &maker, &system).await.status, StatusCode::FORBIDDEN);
    // Everywhere holds for each.
    let everywhere = json!([
        {"kind": "system", "namespace": "/", "access": [{"resource": "robot", "action": "create"}]},
        {"kind": "project", "namespace": "*", "access": [
            {"resource": "repository", "action": "pull"}, {"resource": "robot", "action": "create"}]},
    ]);
    let maker = app.create_system_robot("maker", everywhere).await;
    assert_eq!(
        create(&app, &maker, &wanted("b", "beta", &held[1..]))
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(create(&app, &maker, &system).await.status, StatusCode::CREATED);
}

#[sqlx::test(migrations = "./migrations")]
async fn changes_keep_level_name_and_project(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    app.create_project("beta", false).await;
    let (who, path) = robot(&create(&app, &admin, &wanted("ci", "alpha", &[("repository", "list")])).await);
    let robot = app.get(&admin, &path).await.json();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = robot.clone();
        change(&mut body);
        body
    };
    for (body, status) in [
        (with(&|b| b["description"] = json!("new")), 200),
        (with(&|b| b["name"] = json!("robot$alpha+ci")), 200),
        (with(&|b| b["name"] = json!("robot-alpha--other")), 400),
        (with(&|b| b["level"] = json!("system")), 400),
        (with(&|b| b["permissions"][0]["namespace"] = json!("beta")), 400),
        (with(&|b| b["permissions"] = json!([])), 400),
        (with(&|b| b["duration"] = json!(0)), 400),
        (json!({}), 400),
    ] {
        let answer = app.send_json(&admin, Method::PUT, &path, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
    }
    let list = "/api/v2.0/projects/alpha/repositories";
    assert_eq!(app.get(&who, list).await.status, StatusCode::OK);
    app.send_json(&admin, Method::PUT, &path, &with(&|b| b["disable"] = json!(true)))
        .await;
    assert_eq!(app.get(&who, list).await.status, StatusCode::UNAUTHORIZED);
    // Missing: on again, and as long as before.
    let mut short = with(&|b| b["duration"] = json!(1));
    app.send_json(&admin, Method::PUT, &path, &short).await;
    short.as_object_mut().unwrap().remove("duration");
    app.send_json(&admin, Method::PUT, &path, &short).await;
    let read = app.get(&admin, &path).await.json();
    assert_eq!((&read["duration"], &read["disable"]), (&json!(1), &json!(false)));
    assert_eq!(app.get(&who, list).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "./migrations")]
async fn h48_an_expired_robot_is_told_so_and_a_longer_life_revives_it(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    let mut body = wanted("ci", "alpha", &[("repository", "list")]);
    body["duration"] = json!(1);
    let (who, path) = robot(&create(&app, &admin, &body).await);
    let list = "/api/v2.0/projects/alpha/repositories";
    assert_eq!(app.get(&who, list).await.status, StatusCode::OK);
    app.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
    let expired = app.get(&who, list).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
    let message = expired.json()["errors"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("expired"), "{message}");
    let mut longer = app.get(&admin, &path).await.json();
    longer["duration"] = json!(7);
    assert_eq!(
        app.send_json(&admin, Method::PUT, &path, &longer).await.status,
        StatusCode::OK
    );
    assert_eq!(app.get(&who, list).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "./migrations")]
async fn secrets_follow_the_rule(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    app.create_project("alpha", false).await;
    let (_, path) = robot(&create(&app, &admin, &wanted("ci", "alpha", &[("repository", "list")])).await);
    for (body, status) in [
        (json!({"secret": "weak"}), 400),
        (json!({"secret": "Good-secret-1"}), 200),
        (json!({"secret": "Good-secret-2", "grace_seconds": -1}), 400),
        (json!({"secret": "Good-secret-2", "grace_seconds": 99999999}), 400),
        (json!({"secret": null}), 200),
    ] {
        let answer = app.send_json(&admin, Method::PATCH, &path, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
        let made = answer.json().get("secret").is_some();
        assert_eq!(
            made,
            body["secret"].is_null(),
            "only what the registry made is answered: {answer:?}"
        );
    }
    let mut shown = app.get(&admin, &path).await.json().to_string();
    shown.push_str(
        &app.get(&admin, "/api/v2.0/robots?q=Level%3Dproject,ProjectID%3D2")
            .await
            .json()
            .to_string(),
    );
    assert!(!shown.contains("secret"), "{shown}");
    let told: String = sqlx::query_scalar("SELECT string_agg(payload::text, ' ') FROM events")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert!(!told.contains("Good-secret"), "{told}");
}

#[sqlx::test(migrations = "./migrations")]
async fn grantable_permissions_are_shown_to_those_who_make_robots(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("alpha", false).await;
    let padmin = app.create_user("padmin").await;
    let dev = app.create_user("dev").await;
    app.add_member(id, "padmin", 1).await;
    app.add_member(id, "dev", 2).await;
    let path = "/api/v2.0/permissions";
    let all = app.get(&app.admin(), path).await.json();
    assert!(
        all["system"]
            .as_array()
            .unwrap()
            .contains(&json!({"resource": "project", "action": "create"}))
    );
    let some = app.get(&padmin, path).await.json();
    assert_eq!(
        (&some["system"], &some["project"]),
        (&Value::Null, &all["project"])
    );
    assert_eq!(app.get(&dev, path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get(&As::Nobody, path).await.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrations = "./migrations")]
async fn somebody_is_warned_once_of_a_robot_that_expires(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("alpha", false).await;
    app.create_robot((id, "alpha"), "ci", &[("repository", "pull")])
        .await;
    app.create_robot((id, "alpha"), "later", &[("repository", "pull")])
        .await;
    let expire = async |name: &str, days: i64| {
        sqlx::query("UPDATE robots SET expires_at = $2 WHERE name = $1")
            .bind(name)
            .bind(app.app.clock.now() + chrono::TimeDelta::days(days))
            .execute(&app.app.pool)
            .await
            .unwrap();
    };
    expire("ci", 10).await;
    expire("later", 100).await;
    let warn = async || super::expiry::warn(&app.app, || false).await.unwrap();
    assert_eq!(warn().await, 0);
    app.advance(chrono::TimeDelta::days(4));
    assert_eq!((warn().await, warn().await), (1, 0));
    let payload: serde_json::Value =
        sqlx::query_scalar("SELECT payload FROM events WHERE kind = 'robot.expiring'")
            .fetch_one(&app.app.pool)
            .await
            .unwrap();
    assert_eq!(
        (&payload["robot"], &payload["project"], &payload["expires_at"]),
        (
            &"robot-alpha--ci".into(),
            &"alpha".into(),
            &"2026-01-12T03:04:05Z".into()
        )
    );
    // A new life is a new end.
    expire("ci", 30).await;
    assert_eq!(warn().await, 0);
    app.advance(chrono::TimeDelta::days(25));
    assert_eq!((warn().await, warn().await), (1, 0));
    sqlx::query("UPDATE robots SET warned_for = NULL, disabled = true")
        .execute(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(warn().await, 0);
}
