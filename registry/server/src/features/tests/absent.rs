//! Of a private project a stranger learns nothing.

use axum::http::{HeaderMap, Method};
use serde_json::Value;
use sqlx::PgPool;

use super::push;
use crate::testing::{Answer, As, TestApp};

const PATHS: &[(Method, &str)] = &[
    (Method::GET, "/api/v2.0/projects/{p}"),
    (Method::PUT, "/api/v2.0/projects/{p}"),
    (Method::DELETE, "/api/v2.0/projects/{p}"),
    (Method::GET, "/api/v2.0/projects/{p}/summary"),
    (Method::GET, "/api/v2.0/projects/{p}/_deletable"),
    (Method::GET, "/api/v2.0/projects/{p}/metadatas/"),
    (Method::GET, "/api/v2.0/projects/{p}/metadatas/public"),
    (Method::DELETE, "/api/v2.0/projects/{p}/metadatas/public"),
    (Method::GET, "/api/v2.0/projects/{p}/members"),
    (Method::GET, "/api/v2.0/projects/{p}/members/1"),
    (Method::HEAD, "/api/v2.0/projects?project_name={p}"),
    (Method::GET, "/api/v2.0/projects?name={p}"),
    (Method::GET, "/api/v2.0/projects?q=name%3D{p}"),
    (Method::GET, "/api/v2.0/projects/{p}/repositories"),
    (Method::GET, "/api/v2.0/projects/{p}/repositories/hello"),
    (Method::DELETE, "/api/v2.0/projects/{p}/repositories/hello"),
    (Method::GET, "/api/v2.0/projects/{p}/repositories/hello/artifacts"),
    (
        Method::GET,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1",
    ),
    (
        Method::DELETE,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1",
    ),
    (
        Method::GET,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/tags",
    ),
    (
        Method::DELETE,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/tags/v1",
    ),
    (
        Method::GET,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/accessories",
    ),
    (
        Method::GET,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/additions/build_history",
    ),
    (Method::GET, "/api/v2.0/projects/{p}/logs"),
    (Method::GET, "/api/v2.0/projects/{p}/auditlog-exts"),
    (Method::GET, "/api/v2.0/projects/{p}/artifacts"),
    (
        Method::POST,
        "/api/v2.0/projects/library/repositories/copied/artifacts?from={p}/hello:v1",
    ),
    (
        Method::POST,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts?from={p}/hello:v1",
    ),
    (
        Method::GET,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/additions/vulnerabilities",
    ),
    (Method::GET, "/api/v2.0/projects/{p}/scanner"),
    (Method::GET, "/api/v2.0/projects/{p}/immutabletagrules"),
    (
        Method::DELETE,
        "/api/v2.0/projects/{p}/repositories/hello/artifacts/v1/labels/1",
    ),
    (Method::DELETE, "/api/v2.0/projects/{p}/immutabletagrules/1"),
    (Method::GET, "/api/slipway/v1/projects/{p}/owner"),
    (Method::GET, "/api/slipway/v1/projects/{p}/export"),
    (
        Method::GET,
        "/api/slipway/v1/explain?reference={p}/hello:v1&action=pull",
    ),
    (
        Method::GET,
        "/api/slipway/v1/explain?reference={p}/hello:v1&action=delete",
    ),
    (
        Method::GET,
        "/api/slipway/v1/explain?reference={p}/hello:v1&action=push&user=admin",
    ),
    (
        Method::GET,
        "/api/slipway/v1/explain?reference={p}/hello:v1&action=push&robot=robot-{p}--ci",
    ),
    (Method::GET, "/api/slipway/v1/projects/{p}/retention/preview"),
    (Method::GET, "/api/v2.0/search?q={p}"),
];

/// The answer without what differs by nature: the request's id and the name that was asked for.
fn essence(answer: &Answer, name: &str) -> (u16, HeaderMap, Value, usize) {
    let mut headers = answer.headers.clone();
    for random in ["x-request-id", "x-harbor-csrf-token", "set-cookie"] {
        headers.remove(random);
    }
    if let Some(link) = headers.get("link").and_then(|link| link.to_str().ok()) {
        let link = link.replace(name, "{p}").parse().unwrap();
        headers.insert("link", link);
    }
    let mut body = answer.json();
    if let Some(errors) = body.get_mut("errors").and_then(Value::as_array_mut) {
        errors
            .iter_mut()
            .for_each(|error| error["request_id"] = Value::Null);
    }
    let body = serde_json::from_str(&body.to_string().replace(name, "{p}")).unwrap();
    (answer.status.as_u16(), headers, body, answer.body.len())
}

#[sqlx::test(migrations = "./migrations")]
async fn a_private_project_answers_like_an_absent_one(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("alpha", false).await;
    push::image(&app, "alpha/hello", Some("v1"), "hello").await;
    let outsider = app.create_user("outsider").await;
    let library = app
        .create_robot(
            (1, "library"),
            "stranger",
            &[("repository", "pull"), ("robot", "read")],
        )
        .await;
    for (who, name) in [
        (&outsider, "outsider"),
        (&As::Nobody, "nobody"),
        (&library, "robot of another project"),
    ] {
        for (method, path) in PATHS {
            let mut answers = Vec::new();
            // Two names of the same length.
            for project in ["alpha", "alphb"] {
                let uri = path.replace("{p}", project);
                let answer = match *method {
                    Method::PUT => {
                        app.send_json(who, Method::PUT, &uri, &serde_json::json!({}))
                            .await
                    }
                    _ => app.send(who, method.clone(), &uri).await,
                };
                answers.push(essence(&answer, project));
            }
            assert_eq!(answers[0], answers[1], "{method} {path} as {name}");
        }
        // By number, and a repository that is there against one that is not.
        let by_id = essence(&app.get(who, "/api/v2.0/projects/2").await, "-");
        assert_eq!(
            by_id,
            essence(&app.get(who, "/api/v2.0/projects/9").await, "-"),
            "{name}"
        );
        let there = essence(
            &app.get(who, "/api/v2.0/projects/alpha/repositories/hello").await,
            "-",
        );
        let not_there = essence(
            &app.get(who, "/api/v2.0/projects/alpha/repositories/hellp").await,
            "-",
        );
        assert_eq!(there, not_there, "{name}");
        let robots: Vec<_> = [1, 99].map(|id| format!("/api/v2.0/robots/{id}")).into();
        app.create_robot(
            (2, "alpha"),
            &format!("r{}", name.len()),
            &[("repository", "pull")],
        )
        .await;
        let robot: i64 = sqlx::query_scalar("SELECT max(id) FROM robots")
            .fetch_one(&app.app.pool)
            .await
            .unwrap();
        let seen = essence(
            &app.get(who, &format!("/api/v2.0/robots/{robot}")).await,
            &robot.to_string(),
        );
        let unseen = essence(&app.get(who, &robots[1]).await, "99");
        assert_eq!((seen.0, seen.1.len()), (unseen.0, unseen.1.len()), "{name}");
    }
}
