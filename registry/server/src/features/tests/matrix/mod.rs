//! Every route, walked by everybody, against the tables of permissions.

mod callers;
mod routes;

use std::cell::Cell;
use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use slipway_model::permission::{Action, ROBOT_PROJECT, ROBOT_SYSTEM, Resource, Role};
use sqlx::PgPool;

use self::callers::{Verdict, Who, verdict};
use self::routes::{Route, routes};
use super::push;
use crate::config::{SecretSource, SystemAccount};
use crate::features::{self, openapi};
use crate::kernel::secret::Secret;
use crate::testing::{Answer, As, PASSWORD, TestApp};

const ROLES: [(&str, Role); 5] = [
    ("padmin", Role::ProjectAdmin),
    ("maintainer", Role::Maintainer),
    ("dev", Role::Developer),
    ("guest", Role::Guest),
    ("limited", Role::LimitedGuest),
];

struct World {
    app: TestApp,
    project: (i64, &'static str),
    public: bool,
    count: Cell<usize>,
}

impl World {
    async fn new(pool: PgPool, public: bool) -> Self {
        let app = TestApp::with_config(pool, |config| {
            config.system_account = Some(SystemAccount {
                name: "operator".to_owned(),
                password: SecretSource::Inline(Secret::new(PASSWORD)),
            });
        })
        .await;
        let name = if public { "open" } else { "alpha" };
        let id = app.create_project(name, public).await;
        push::image(&app, &format!("{name}/hello"), Some("v1"), "hello").await;
        app.create_robot((id, name), "target", &[("repository", "pull")])
            .await;
        Self {
            app,
            project: (id, name),
            public,
            count: Cell::new(0),
        }
    }

    /// A label of the project or of the whole registry.
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

    /// A robot of the project or of the whole registry.
    async fn robot(&self, project_id: Option<i64>) -> String {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO robots (project_id, name, secret_hash, duration, permissions, creator_type, creator_ref,
                                 created_at, updated_at)
             SELECT $1, gen_random_uuid()::text, secret_hash, duration, permissions, creator_type, creator_ref,
                    created_at, updated_at
             FROM robots WHERE name = 'target' RETURNING id",
        )
        .bind(project_id)
        .fetch_one(&self.app.app.pool)
        .await
        .unwrap();
        id.to_string()
    }

    /// The project's retention policy, of which there is one at most.
    async fn retention(&self) -> String {
        let id: i64 = sqlx::query_scalar(
            r#"INSERT INTO retention_policies AS old (project_id, rules, cron, mode, max_delete, created_at, updated_at)
               VALUES ($1, '{"version": 1, "rules": []}', '', 'artifact', 100, $2, $2)
               ON CONFLICT (project_id) DO UPDATE SET updated_at = old.updated_at RETURNING id"#,
        )
        .bind(self.project.0)
        .bind(self.app.app.clock.now())
        .fetch_one(&self.app.app.pool)
        .await
        .unwrap();
        id.to_string()
    }

    async fn call(&self, who: &As, route: &Route) -> Answer {
        self.count.set(self.count.get() + 1);
        let project = Some(self.project.0);
        let (word, fresh) = match route.path {
            path if path.contains("{label}") => ("{label}", self.label(project).await),
            path if path.contains("{global}") => ("{global}", self.label(None).await),
            path if path.contains("{robot}") => ("{robot}", self.robot(project).await),
            path if path.contains("{sysrobot}") => ("{sysrobot}", self.robot(None).await),
            path if path.contains("{retention}") => ("{retention}", self.retention().await),
            _ => ("{}", "{}".to_owned()),
        };
        let fill = |text: &str| {
            text.replace("{p}", self.project.1)
                .replace("{id}", &self.project.0.to_string())
                .replace("{n}", &self.count.get().to_string())
                .replace(word, &fresh)
        };
        let uri = fill(route.path);
        match route.body {
            None => self.app.send(who, route.method.clone(), &uri).await,
            Some(body) => {
                let body: Value = serde_json::from_str(&fill(body)).unwrap();
                self.app.send_json(who, route.method.clone(), &uri, &body).await
            }
        }
    }

    /// Calls a route and compares the answer with the tables; the difference as a sentence.
    async fn try_route(&self, (name, login, who): (&str, &As, &Who), route: &Route) -> Option<String> {
        let answer = self.call(login, route).await;
        let expected = verdict(who, route, self.public);
        let right = match &expected {
            Verdict::Through => !matches!(answer.status.as_u16(), 401 | 403 | 500..),
            Verdict::Refused(statuses) => statuses.contains(&answer.status),
        };
        (!right).then(|| {
            format!(
                "{} {} as {name}: {} instead of {expected:?}: {answer:?}",
                route.method, route.path, answer.status
            )
        })
    }

    /// Lets these callers walk all routes.
    async fn walk(&self, callers: &[(String, As, Who)]) {
        let mut faults = Vec::new();
        for route in routes() {
            for (name, login, who) in callers {
                faults.extend(self.try_route((name, login, who), &route).await);
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// A robot with these permissions: one of the project where it has none on the system.
    async fn make_robot(&self, name: &str, project: Vec<Pair>, system: Vec<Pair>) -> (String, As, Who) {
        let words = |pairs: &[Pair]| -> Vec<(&'static str, &'static str)> {
            pairs.iter().map(|(r, a)| (r.as_str(), a.as_str())).collect()
        };
        let login = if system.is_empty() {
            self.app.create_robot(self.project, name, &words(&project)).await
        } else {
            let access = |pairs: &[Pair]| -> Vec<Value> {
                let pairs = words(pairs);
                pairs
                    .iter()
                    .map(|(r, a)| json!({"resource": r, "action": a}))
                    .collect()
            };
            let grants = json!([
                {"kind": "system", "namespace": "/", "access": access(&system)},
                {"kind": "project", "namespace": "*", "access": access(&project)},
            ]);
            self.app.create_system_robot(name, grants).await
        };
        (name.to_owned(), login, Who::Robot { project, system })
    }
}

type Pair = (Resource, Action);

fn pairs(table: &[(Resource, &[Action])]) -> Vec<Pair> {
    table
        .iter()
        .flat_map(|(resource, actions)| actions.iter().map(|action| (*resource, *action)))
        .collect()
}

/// Those that some route asks for.
fn asked(table: &[(Resource, &[Action])]) -> Vec<Pair> {
    let needs: Vec<Pair> = routes().iter().filter_map(|route| route.need.pair()).collect();
    let mut pairs = pairs(table);
    pairs.retain(|pair| needs.contains(pair));
    pairs
}

#[test]
fn every_route_has_a_row() {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let all: BTreeSet<(String, &str)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(|method| (method.to_uppercase(), path.as_str()))
        })
        .collect();
    let mut without = all.clone();
    let mut faults = Vec::new();
    for route in routes() {
        let fitting = all.iter().filter(|(method, _)| method == route.method.as_str());
        let best = fitting
            .filter_map(|operation| Some((route.fits(operation.1)?, operation)))
            .max_by_key(|(words, _)| *words);
        match best {
            Some((_, operation)) => _ = without.remove(operation),
            None => faults.push(format!("a row without a route: {} {}", route.method, route.path)),
        }
    }
    let without = without.into_iter();
    faults.extend(without.map(|(method, path)| format!("a route without a row: {method} {path}")));
    // What was put into the router but not into the document. The router's own fallback stands for nothing.
    let router = format!("{:?}", features::routes());
    let routed = router
        .split('"')
        .filter(|word| word.starts_with("/api/") || word.starts_with("/c/"));
    let routed: BTreeSet<&str> = routed.collect();
    assert_eq!(routed.len(), paths.len(), "{router}");
    let hidden = routed.into_iter().filter(|path| !paths.contains_key(*path));
    faults.extend(hidden.map(|path| format!("a route that the document does not have: {path}")));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[sqlx::test(migrations = "./migrations")]
async fn people_may_what_the_table_says(pool: PgPool) {
    let world = World::new(pool, false).await;
    let app = &world.app;
    let elsewhere = app.create_user("elsewhere").await;
    let other = app.create_project("other", false).await;
    app.add_member(other, "elsewhere", Role::ProjectAdmin.id()).await;
    let operator = As::Basic("operator".to_owned(), PASSWORD.to_owned());
    let mut callers = vec![
        ("nobody".to_owned(), As::Nobody, Who::Nobody),
        (
            "outsider".to_owned(),
            app.create_user("outsider").await,
            Who::Person(None),
        ),
        ("elsewhere".to_owned(), elsewhere, Who::Elsewhere),
        ("admin".to_owned(), app.admin(), Who::Administrator),
        ("operator".to_owned(), operator, Who::Operator),
    ];
    for (name, role) in ROLES {
        let login = app.create_user(name).await;
        app.add_member(world.project.0, name, role.id()).await;
        callers.push((name.to_owned(), login, Who::Person(Some(role))));
    }
    world.walk(&callers).await;
}

#[sqlx::test(migrations = "./migrations")]
async fn anyone_may_on_a_public_project_what_the_table_says(pool: PgPool) {
    let world = World::new(pool, true).await;
    let outsider = world.app.create_user("outsider").await;
    let robot = world
        .make_robot("bare", Vec::new(), vec![(Resource::Catalog, Action::Read)])
        .await;
    let callers = [
        ("nobody".to_owned(), As::Nobody, Who::Nobody),
        ("outsider".to_owned(), outsider, Who::Person(None)),
        robot,
    ];
    world.walk(&callers).await;
}

#[sqlx::test(migrations = "./migrations")]
async fn h50_robots_may_exactly_what_they_were_granted(pool: PgPool) {
    let world = World::new(pool, false).await;
    let mut callers = vec![
        world
            .make_robot("whole-project", pairs(ROBOT_PROJECT), Vec::new())
            .await,
        world
            .make_robot("whole-system", pairs(ROBOT_PROJECT), pairs(ROBOT_SYSTEM))
            .await,
    ];
    for (resource, action) in asked(ROBOT_PROJECT) {
        let name = format!("in-project-{resource}-{action}");
        let only = vec![(resource, action)];
        callers.push(world.make_robot(&name, only, Vec::new()).await);
    }
    for (resource, action) in asked(ROBOT_SYSTEM) {
        let name = format!("on-system-{resource}-{action}");
        let only = vec![(resource, action)];
        callers.push(world.make_robot(&name, Vec::new(), only).await);
    }
    world.walk(&callers).await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_robot_that_is_disabled_or_expired_is_out_at_once(pool: PgPool) {
    let world = World::new(pool, false).await;
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
        let (_, login, _) = world
            .make_robot(name, pairs(ROBOT_PROJECT), pairs(ROBOT_SYSTEM))
            .await;
        let list = format!("/api/v2.0/projects/{}/repositories", world.project.1);
        assert_eq!(world.app.get(&login, &list).await.status, 200);
        sqlx::query(sql).execute(&world.app.app.pool).await.unwrap();
        // Of one that does not exist more than a few tries would be a guess at passwords.
        let tries = if name == "deleted" { 5 } else { usize::MAX };
        for route in routes().iter().take(tries) {
            let fault = world.try_route((name, &login, &Who::Out), route).await;
            assert_eq!(fault, None);
        }
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_role_that_has_just_changed_counts_at_once(pool: PgPool) {
    let world = World::new(pool, false).await;
    let app = &world.app;
    let login = app.create_user("changing").await;
    let members = format!("/api/v2.0/projects/{}/members", world.project.1);
    let admin = app.admin();
    let me = app.get(&login, "/api/v2.0/users/current").await.json()["user_id"].clone();
    let flag = format!("/api/v2.0/users/{me}/sysadmin");
    let set = async |uri: &str, body: Value| {
        let answer = app.send_json(&admin, Method::PUT, uri, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let mut faults = Vec::new();
    for route in routes() {
        let new = json!({"role_id": 1, "member_user": {"username": "changing"}});
        let member = app.send_json(&admin, Method::POST, &members, &new).await;
        assert_eq!(member.status, 201, "{member:?}");
        let member = member.header("location").to_owned();
        for role in [
            Role::ProjectAdmin,
            Role::Guest,
            Role::Maintainer,
            Role::LimitedGuest,
            Role::Developer,
        ] {
            set(&member, json!({"role_id": role.id()})).await;
            let who = Who::Person(Some(role));
            faults.extend(world.try_route(("changing", &login, &who), &route).await);
        }
        set(&flag, json!({"sysadmin_flag": true})).await;
        faults.extend(
            world
                .try_route(("promoted", &login, &Who::Administrator), &route)
                .await,
        );
        set(&flag, json!({"sysadmin_flag": false})).await;
        let gone = app.send(&admin, Method::DELETE, &member).await;
        assert_eq!(gone.status, 200, "{gone:?}");
        let who = Who::Person(None);
        faults.extend(world.try_route(("removed", &login, &who), &route).await);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
