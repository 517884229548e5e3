//! Every route, walked by everybody, against the table of permissions.

mod routes;
mod slices;

use axum::http::StatusCode;
use serde_json::{Value, json};
use slipway_model::permission::{
    Action, ROBOT_PROJECT, ROBOT_SYSTEM, Resource, Role, grantable, public_allows, role_allows,
};
use sqlx::PgPool;

use self::routes::{Place, Route};
use super::push;
use crate::testing::{Answer, As, TestApp};

fn routes() -> Vec<Route> {
    routes::routes().into_iter().chain(slices::routes()).collect()
}

struct World {
    app: TestApp,
    project: (i64, String),
    robot: i64,
    robots: std::cell::Cell<usize>,
}

impl World {
    /// A label of the project or of the whole registry, a fresh one each time.
    async fn label(&self, project_id: Option<i64>) -> String {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO labels (project_id, name, description, color, created_at, updated_at)
             VALUES ($1, gen_random_uuid()::text, '', '', $2, $2) RETURNING id",
        )
        .bind(project_id)
        .bind(self.app.app.clock.now())
        .fetch_one(&self.app.app.pool)
        .await
        .unwrap();
        id.to_string()
    }

    async fn call(&self, who: &As, route: &Route) -> Answer {
        let label = match route.path {
            path if path.contains("{label}") => self.label(Some(self.project.0)).await,
            path if path.contains("{global}") => self.label(None).await,
            _ => String::new(),
        };
        let fill = |text: &str| {
            text.replace("{p}", &self.project.1)
                .replace("{id}", &self.project.0.to_string())
                .replace("{robot}", &self.robot.to_string())
                .replace("{label}", &label)
                .replace("{global}", &label)
                .replace("{r}", "robot")
                .replace("{a}", "create")
        };
        let uri = fill(route.path);
        match route.body {
            None => self.app.send(who, route.method.clone(), &uri).await,
            Some(body) => {
                let mut body: Value = serde_json::from_str(&fill(body)).unwrap();
                if body["level"] == "project" && body["name"] == "x" {
                    // Each that is let through is another robot.
                    self.robots.set(self.robots.get() + 1);
                    body["name"] = json!(format!("x{}", self.robots.get()));
                }
                self.app.send_json(who, route.method.clone(), &uri, &body).await
            }
        }
    }

    async fn expect(&self, who: (&str, &As), route: &Route, expected: Option<StatusCode>) {
        let answer = self.call(who.1, route).await;
        let what = format!("{} {} as {}: {answer:?}", route.method, route.path, who.0);
        match expected {
            Some(status) => assert_eq!(answer.status, status, "{what}"),
            None => assert!(
                !matches!(answer.status.as_u16(), 401 | 403 | 500..,),
                "should be let through: {what}"
            ),
        }
    }
}

async fn world(pool: PgPool, public: bool) -> World {
    let app = TestApp::new(pool).await;
    let name = if public { "open" } else { "alpha" };
    let id = app.create_project(name, public).await;
    push::image(&app, &format!("{name}/hello"), Some("v1"), "hello").await;
    app.create_robot((id, name), "target", &[("repository", "pull")])
        .await;
    let robot = sqlx::query_scalar("SELECT id FROM robots WHERE name = 'target'")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    World {
        app,
        project: (id, name.to_owned()),
        robot,
        robots: Default::default(),
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn people_may_what_the_table_says(pool: PgPool) {
    let world = world(pool, false).await;
    let app = &world.app;
    let outsider = app.create_user("outsider").await;
    let elsewhere = app.create_user("elsewhere").await;
    let other = app.create_project("other", false).await;
    app.add_member(other, "elsewhere", 1).await;
    let mut members = Vec::new();
    for (name, role) in [
        ("padmin", Role::ProjectAdmin),
        ("maintainer", Role::Maintainer),
        ("dev", Role::Developer),
        ("guest", Role::Guest),
        ("limited", Role::LimitedGuest),
    ] {
        let who = app.create_user(name).await;
        app.add_member(world.project.0, name, role.id()).await;
        members.push((name, who, role));
    }
    for route in routes() {
        world
            .expect(("nobody", &As::Nobody), &route, Some(StatusCode::UNAUTHORIZED))
            .await;
        world
            .expect(("outsider", &outsider), &route, Some(StatusCode::FORBIDDEN))
            .await;
        // Who reads robots or labels somewhere is told that this one is not there.
        let stranger = if route.path.contains("{robot}") || route.path.contains("{label}") {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::FORBIDDEN
        };
        world
            .expect(("elsewhere", &elsewhere), &route, Some(stranger))
            .await;
        for (name, who, role) in &members {
            let allowed = route.place == Place::Project && role_allows(*role, route.resource, route.action);
            world
                .expect((name, who), &route, (!allowed).then_some(StatusCode::FORBIDDEN))
                .await;
        }
        world.expect(("admin", &app.admin()), &route, None).await;
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn anyone_may_on_a_public_project_what_the_table_says(pool: PgPool) {
    let world = world(pool, true).await;
    let outsider = world.app.create_user("outsider").await;
    for route in routes() {
        let allowed = route.place == Place::Project && public_allows(route.resource, route.action);
        world
            .expect(
                ("nobody", &As::Nobody),
                &route,
                (!allowed).then_some(StatusCode::UNAUTHORIZED),
            )
            .await;
        world
            .expect(
                ("outsider", &outsider),
                &route,
                (!allowed).then_some(StatusCode::FORBIDDEN),
            )
            .await;
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn h50_robots_may_exactly_what_they_were_granted(pool: PgPool) {
    let world = world(pool, false).await;
    let app = &world.app;
    let all = routes();
    let mut tried: Vec<(Place, Resource, Action)> = Vec::new();
    for subject in &all {
        let (resource, action) = (subject.resource, subject.action);
        let table = if subject.place == Place::Project {
            ROBOT_PROJECT
        } else {
            ROBOT_SYSTEM
        };
        if !grantable(table, resource, action) || tried.contains(&(subject.place, resource, action)) {
            continue;
        }
        tried.push((subject.place, resource, action));
        let name = format!("r{}", tried.len());
        let pair = [(resource.as_str(), action.as_str())];
        let robot = match subject.place {
            Place::Project => {
                app.create_robot((world.project.0, &world.project.1), &name, &pair)
                    .await
            }
            Place::System => {
                let access = json!([{"resource": pair[0].0, "action": pair[0].1}]);
                let grants = json!([{"kind": "system", "namespace": "/", "access": access}]);
                app.create_system_robot(&name, grants).await
            }
        };
        for route in &all {
            let same = (route.place, route.resource, route.action) == (subject.place, resource, action);
            let who = format!("robot with {resource}:{action} only");
            if same && route.body.is_some_and(|body| body.contains("\"nope\"")) {
                // It may make robots, but holds nothing that it could grant.
                world
                    .expect((&who, &robot), route, Some(StatusCode::FORBIDDEN))
                    .await;
                continue;
            }
            if same {
                world.expect((&who, &robot), route, None).await;
                continue;
            }
            let answer = world.call(&robot, route).await;
            // A robot that has to do with robots (or labels) is told 404 for one that it does not see.
            let absent = resource == Resource::Robot && route.path.contains("{robot}")
                || resource == Resource::Label && route.path.contains("{label}");
            let refused =
                answer.status == StatusCode::FORBIDDEN || (absent && answer.status == StatusCode::NOT_FOUND);
            assert!(refused, "{} {} as {who}: {answer:?}", route.method, route.path);
        }
    }
    assert!(tried.len() > 15, "{}", tried.len());
}

#[sqlx::test(migrations = "./migrations")]
async fn a_robot_that_is_disabled_or_expired_is_out_at_once(pool: PgPool) {
    let world = world(pool, false).await;
    let app = &world.app;
    let project = (world.project.0, world.project.1.as_str());
    for (name, sql) in [
        (
            "disabled",
            "UPDATE robots SET disabled = true WHERE name = 'disabled'",
        ),
        (
            "expired",
            "UPDATE robots SET expires_at = created_at - interval '1 s' WHERE name = 'expired'",
        ),
        ("deleted", "DELETE FROM robots WHERE name = 'deleted'"),
    ] {
        let robot = app
            .create_robot(project, name, &[("repository", "list"), ("project", "read")])
            .await;
        let list = format!("/api/v2.0/projects/{}/repositories", project.1);
        assert_eq!(app.get(&robot, &list).await.status, StatusCode::OK);
        sqlx::query(sql).execute(&app.app.pool).await.unwrap();
        // Of one that does not exist more than a few tries would be a guess at passwords.
        let tries = if name == "deleted" { 5 } else { usize::MAX };
        for route in routes().into_iter().take(tries) {
            world
                .expect((name, &robot), &route, Some(StatusCode::UNAUTHORIZED))
                .await;
        }
        assert_eq!(
            app.get(&robot, "/api/v2.0/projects").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
}
