//! What clients of Harbor's rely on although no contract says so, client by client. What the portal needs of sessions stands in
//! `session/tests.rs`, what containerd needs of tokens in `distribution/token/tests.rs`.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::testing::{Answer, As, TestApp};

const PROJECTS: &str = "/api/v2.0/projects";

async fn send(app: &TestApp, method: Method, path: &str, body: &Value) -> Answer {
    app.send_json(&app.admin(), method, path, body).await
}

fn is_bare(answer: &Answer, status: u16) {
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.body.len(),
            answer.header("content-type")
        ),
        (status, 0, ""),
        "{answer:?}"
    );
}

/// Terraform sends fields that nobody knows, demands exactly 201 and 200, takes the path in `Location` for the resource's id, and
/// takes 404 for "gone".
#[sqlx::test(migrations = "./migrations")]
async fn terraform_makes_a_project_and_goes_on(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let mut body = json!({
        "project_name": "tf", "storage_limit": 1_073_741_824, "deployment_security": "none", "registry_id": 0,
        "metadata": {"public": "true", "auto_scan": "true", "severity": "High"},
        "cve_allowlist": {"items": []}, "vulnerability_scanning": true,
    });
    let made = send(&app, Method::POST, PROJECTS, &body).await;
    is_bare(&made, 201);
    let path = made.header("location").to_owned();
    assert!(path.starts_with("/api/v2.0/projects/"), "{path}");
    let shown = app.get(&app.admin(), &path).await.json();
    for (name, value) in [("public", "true"), ("auto_scan", "true"), ("severity", "high")] {
        assert_eq!(shown["metadata"][name], value, "{shown}");
    }
    // The whole body again, with one change.
    body["metadata"]["public"] = json!("false");
    is_bare(&send(&app, Method::PUT, &path, &body).await, 200);
    assert_eq!(
        app.get(&app.admin(), &path).await.json()["metadata"]["public"],
        "false"
    );
    // The quota is looked for through pages, until one is empty.
    let id = shown["project_id"].clone();
    let mut found = None;
    for page in 1.. {
        let list = app
            .get(
                &app.admin(),
                &format!("/api/v2.0/quotas/?page={page}&page_size=1"),
            )
            .await;
        assert_eq!(list.status, 200, "{list:?}");
        let list = list.json();
        let Some(quota) = list.as_array().unwrap().first() else {
            break;
        };
        if quota["ref"]["id"] == id {
            found = Some(quota["id"].clone());
        }
    }
    let quota = format!("/api/v2.0/quotas/{}", found.unwrap());
    let hard = json!({"hard": {"storage": -1}});
    is_bare(&send(&app, Method::PUT, &quota, &hard).await, 200);

    let rules = format!("{path}/immutabletagrules");
    let rule = json!({"action": "immutable", "template": "immutable_template", "disabled": false,
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*", "extras": ""}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}});
    let made = send(&app, Method::POST, &rules, &rule).await;
    is_bare(&made, 201);
    let number = made.header("location").rsplit('/').next().unwrap().to_owned();
    let listed = app
        .get(&app.admin(), &format!("{rules}?page=1&page_size=100"))
        .await;
    assert_eq!(listed.json()[0]["id"].to_string(), number);
    let beyond = app
        .get(&app.admin(), &format!("{rules}?page=2&page_size=100"))
        .await;
    assert_eq!((beyond.status.as_u16(), beyond.json()), (200, json!([])));

    is_bare(&app.send(&app.admin(), Method::DELETE, &path).await, 200);
    assert_eq!(app.get(&app.admin(), &path).await.status, 404);
}

/// Terraform reads the prefix of robots' names from the configuration, cuts the full name behind `<project>+` where the
/// separator is Harbor's, and sets a secret of its own.
#[sqlx::test(migrations = "./migrations")]
async fn terraform_makes_a_robot_and_sets_its_secret(pool: PgPool) {
    let app = TestApp::with_config(pool, |config| {
        config.robot.prefix = "robot$".to_owned();
        config.robot.separator = "+".to_owned();
    })
    .await;
    app.create_project("alpha", false).await;
    let settings = app.get(&app.admin(), "/api/v2.0/configurations").await.json();
    let prefix = settings["robot_name_prefix"]["value"].as_str().unwrap();
    let robot = json!({"name": "ci", "level": "project", "duration": -1, "disable": false,
        "permissions": [{"kind": "project", "namespace": "alpha",
                         "access": [{"resource": "repository", "action": "list", "effect": "allow"}]}]});
    let made = send(&app, Method::POST, "/api/v2.0/robots", &robot).await;
    assert_eq!(made.status, 201, "{made:?}");
    let body = made.json();
    let name = body["name"].as_str().unwrap().to_owned();
    assert_eq!(name, format!("{prefix}alpha+ci"));
    assert_eq!(name.split_once("alpha+").unwrap().1, "ci");
    assert_eq!(body["expires_at"], -1);
    let path = made.header("location").to_owned();
    let secret = json!({"secret": "Chosen-by-terraform-1"});
    let patched = send(&app, Method::PATCH, &path, &secret).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let who = As::Basic(name, "Chosen-by-terraform-1".to_owned());
    let list = app.get(&who, "/api/v2.0/projects/alpha/repositories").await;
    assert_eq!(list.status, 200, "{list:?}");
}

/// The command line tries credentials at `/users/current`: 401 is bad, anything else leads on to `/projects` and `/ping`. It
/// encodes `q` twice, and fills its forms for robots from `/permissions`.
#[sqlx::test(migrations = "./migrations")]
async fn the_command_line_logs_in_and_asks(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("alpha", false).await;
    let robot = app
        .create_robot((id, "alpha"), "ci", &[("repository", "pull")])
        .await;
    let wrong = As::Basic("admin".to_owned(), "Wrong-password-1".to_owned());
    let current = "/api/v2.0/users/current";
    for (who, status) in [(&wrong, 401), (&app.admin(), 200), (&robot, 412)] {
        assert_eq!(app.get(who, current).await.status.as_u16(), status, "{who:?}");
    }
    for path in [PROJECTS, "/api/v2.0/ping"] {
        assert_eq!(app.get(&robot, path).await.status, 200, "{path}");
    }
    let q = format!("q=Level%253Dproject%252CProjectID%253D{id}");
    let robots = app.get(&app.admin(), &format!("/api/v2.0/robots?{q}")).await;
    assert_eq!(robots.json()[0]["name"], "robot-alpha--ci", "{robots:?}");
    let permissions = app.get(&app.admin(), "/api/v2.0/permissions").await.json();
    for part in ["system", "project"] {
        let pair = &permissions[part][0];
        assert!(
            pair["resource"].is_string() && pair["action"].is_string(),
            "{permissions}"
        );
    }
}

/// Harbor's own replication asks for the version first, names several projects in one term, and puts a scheme and host in front
/// of each part of `Link` between commas.
#[sqlx::test(migrations = "./migrations")]
async fn harbors_replication_reads_projects(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let version = app.get(&As::Nobody, "/api/version").await;
    assert_eq!(version.json(), json!({"version": "v2.0"}));
    for name in ["p1", "p2", "p3"] {
        app.create_project(name, false).await;
    }
    let path = format!("{PROJECTS}?q=name%3D%7B'p1'%20'p2'%7D&page_size=1&page=2");
    let list = app.get(&app.admin(), &path).await;
    assert_eq!(
        (list.status.as_u16(), list.header("x-total-count")),
        (200, "2"),
        "{list:?}"
    );
    let path = format!("{PROJECTS}?page=2&page_size=1");
    let list = app.get(&app.admin(), &path).await;
    let links: Vec<&str> = list.header("link").split(',').map(str::trim).collect();
    assert_eq!(
        links,
        [
            "</api/v2.0/projects?page=1&page_size=1>; rel=\"prev\"",
            "</api/v2.0/projects?page=3&page_size=1>; rel=\"next\"",
        ]
    );
}

/// The portal asks whether a project is there, with a slash too many, and what its menus may show.
#[sqlx::test(migrations = "./migrations")]
async fn the_portal_looks_around(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("alpha", false).await;
    let dev = app.create_user("dev").await;
    app.add_member(id, "dev", 2).await;
    for (name, status) in [("alpha", 200), ("absent", 404)] {
        for slash in ["", "/"] {
            let path = format!("{PROJECTS}{slash}?project_name={name}");
            let head = app.send(&dev, Method::HEAD, &path).await;
            assert_eq!(head.status.as_u16(), status, "{path}");
        }
    }
    let path = format!("/api/v2.0/users/current/permissions?scope=/project/{id}&relative=true");
    let menus = app.get(&dev, &path).await.json();
    let may = |resource: &str, action: &str| {
        menus
            .as_array()
            .unwrap()
            .contains(&json!({"resource": resource, "action": action}))
    };
    assert!(may("repository", "push") && !may("robot", "create"), "{menus}");
}

/// Paths and methods that are not there are told apart, and slashes too many do not matter.
#[sqlx::test(migrations = "./migrations")]
async fn paths_are_taken_as_harbor_takes_them(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let unknown = app.get(&admin, "/api/v2.0/nothing").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.json()["errors"][0]["message"],
        "path /api/v2.0/nothing was not found"
    );
    let method = app.send(&admin, Method::DELETE, PROJECTS).await;
    assert_eq!(method.status, 405, "{method:?}");
    for path in ["/api/v2.0/projects/", "/api//v2.0//projects"] {
        assert_eq!(app.get(&admin, path).await.status, 200, "{path}");
    }
}
