//! Through the router: this registry is the other side too, on a real port, or a small one that counts is.

mod copies;
mod follows;
mod policies;
mod upstream;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_jobs::{Registry as Kinds, Worker, WorkerSettings};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::features::tests::push;
use crate::testing::{ADMIN_PASSWORD, As, TestApp};

const POLICIES: &str = "/api/v2.0/replication/policies";
const EXECUTIONS: &str = "/api/v2.0/replication/executions";

/// A registry with a project `alpha` and a worker, that knows itself as the registry 1.
struct Lab {
    app: TestApp,
    stop: CancellationToken,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Lab {
    async fn new(pool: PgPool) -> Self {
        let app = TestApp::with_config(pool, |config| {
            config.upstreams_allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await;
        app.create_project("alpha", false).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = crate::router::build(app.app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let stop = CancellationToken::new();
        let lab = Self { app, stop };
        lab.know("itself", "slipway", &url).await;
        lab.work();
        lab
    }

    fn work(&self) {
        let mut kinds = Kinds::new();
        super::register(&mut kinds, &self.app.app);
        let settings = WorkerSettings {
            poll: Duration::from_millis(50),
            ..WorkerSettings::default()
        };
        let (pool, clock) = (self.app.app.pool.clone(), self.app.app.clock.clone());
        tokio::spawn(Worker::new(pool, kinds, clock, settings).run(self.stop.clone()));
    }

    async fn know(&self, name: &str, kind: &str, url: &str) {
        let body = json!({
            "name": name, "type": kind, "url": url,
            "credential": {"access_key": "admin", "access_secret": ADMIN_PASSWORD},
        });
        self.post("/api/v2.0/registries", &body).await;
    }

    /// Posts something that is to be accepted, and returns where it is.
    async fn post(&self, path: &str, body: &Value) -> String {
        let answer = self.send(Method::POST, path, body).await;
        assert_eq!(answer.0, StatusCode::CREATED, "{body}: {}", answer.1);
        answer.2
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value, String) {
        let answer = self.app.send_json(&self.app.admin(), method, path, body).await;
        (answer.status, answer.json(), answer.header("location").to_owned())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.app.get(&self.app.admin(), path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    }

    /// Runs a policy to its end.
    async fn run(&self, policy: &str) -> Value {
        let id: i64 = policy.rsplit('/').next().unwrap().parse().unwrap();
        let path = self.post(EXECUTIONS, &json!({"policy_id": id})).await;
        self.ended(&path).await
    }

    async fn ended(&self, execution: &str) -> Value {
        for _ in 0..600 {
            let found = self.get(execution).await;
            if found["status"] != "InProgress" {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.app.advance(chrono::TimeDelta::seconds(1));
        }
        panic!("{execution} does not end: {}", self.get(execution).await);
    }

    /// Takes the events, and waits for the end of every run.
    async fn settle(&self) {
        while super::events::take(&self.app.app).await.unwrap() > 0 {}
        for execution in self
            .get(&format!("{EXECUTIONS}?page_size=100"))
            .await
            .as_array()
            .unwrap()
        {
            self.ended(&format!("{EXECUTIONS}/{}", execution["id"])).await;
        }
    }

    /// What a task wrote.
    async fn log(&self, execution: &Value) -> String {
        let path = format!("{EXECUTIONS}/{}/tasks", execution["id"]);
        let mut text = String::new();
        for task in self.get(&path).await.as_array().unwrap() {
            let answer = self
                .app
                .get(&self.app.admin(), &format!("{path}/{}/log", task["id"]))
                .await;
            text.push_str(&String::from_utf8_lossy(&answer.body));
        }
        text
    }

    /// Digest and tag of everything in a repository.
    async fn tags(&self, repository: &str) -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT t.name, m.digest FROM tags t JOIN manifests m ON m.id = t.manifest_id
             JOIN repositories r ON r.id = t.repository_id WHERE r.name = $1 ORDER BY t.name",
        )
        .bind(repository)
        .fetch_all(&self.app.app.pool)
        .await
        .unwrap()
    }

    async fn digests(&self, repository: &str) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT m.digest FROM manifests m JOIN repositories r ON r.id = m.repository_id
             WHERE r.name = $1 ORDER BY m.digest",
        )
        .bind(repository)
        .fetch_all(&self.app.app.pool)
        .await
        .unwrap()
    }
}

/// A policy that pushes to the registry 1, below `mirror`.
fn pushes(name: &str, filters: Value) -> Value {
    json!({
        "name": name, "src_registry": null, "dest_registry": {"id": 1}, "dest_namespace": "mirror",
        "dest_namespace_replace_count": 1, "trigger": {"type": "manual", "trigger_settings": {"cron": ""}},
        "filters": filters, "deletion": false, "override": true, "enabled": true, "speed": 0,
    })
}

/// One that pulls from it, below `pulled`.
fn pulls(name: &str, filters: Value) -> Value {
    let mut policy = pushes(name, filters);
    policy["src_registry"] = json!({"id": 1});
    policy["dest_registry"] = json!(null);
    policy["dest_namespace"] = json!("pulled");
    policy
}

fn named(glob: &str) -> Value {
    json!([{"type": "name", "value": glob}])
}
