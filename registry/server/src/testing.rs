//! Tests through the real router: a database of their own, blobs in memory, a clock that they move.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use slipway_blobs::{BlobStore, MemoryStore};
use slipway_jobs::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::boot;
use crate::config::Config;
use crate::distribution::limits::Limits;
use crate::kernel::access::{Grant, GrantedAction};
use crate::kernel::app::{App, AppInner};
use crate::kernel::auth::basic::VerifiedCredentials;
use crate::kernel::cache::Cache;
use crate::kernel::coherence;
use crate::kernel::seal::Seal;
use crate::kernel::secret::Secret;
use crate::kernel::settings::CurrentSettings;
use crate::kernel::token::TokenSigner;
use crate::kernel::{password, robot_names};
use crate::router;

/// The administrator's password in tests.
pub(crate) const ADMIN_PASSWORD: &str = "Correct-horse-1";
/// Everybody else's.
pub(crate) const PASSWORD: &str = "Battery-staple-1";

/// The registry in this process.
pub(crate) struct TestApp {
    /// What its handlers have at hand.
    pub(crate) app: App,
    router: Router,
}

/// A person, robot or nobody, for `Authorization`.
#[derive(Debug, Clone)]
pub(crate) enum As {
    /// No credentials.
    Nobody,
    /// Name and password.
    Basic(String, String),
    /// A token.
    Bearer(String),
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
}

impl TestApp {
    /// With an administrator and the project `library` (id 1, public), as a fresh registry has them.
    pub(crate) async fn new(pool: PgPool) -> Self {
        Self::with_config(pool, |_| {}).await
    }

    /// With other settings.
    pub(crate) async fn with_config(pool: PgPool, change: impl FnOnce(&mut Config)) -> Self {
        Self::with_blobs(pool, Arc::new(MemoryStore::new()), change).await
    }

    /// With another store, and other settings.
    pub(crate) async fn with_blobs(
        pool: PgPool,
        blobs: Arc<dyn BlobStore>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::from_parts(None, []).unwrap();
        change(&mut config);
        let start = DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z")
            .unwrap()
            .with_timezone(&Utc);
        let key = Secret::new("a signing key for tests, long enough");
        let app = App::new(AppInner {
            pool,
            blobs,
            pulls: Default::default(),
            coherence: Default::default(),
            tokens_seen: Default::default(),
            standings: Default::default(),
            manifests: Default::default(),
            blob_rows: Default::default(),
            proxy: Default::default(),
            audit: Default::default(),
            clock: Clock::fixed(start),
            tokens: TokenSigner::new(&key),
            seal: Seal::new(&key),
            settings: CurrentSettings::new(&config),
            cache: Cache::memory(),
            verified: VerifiedCredentials::new(),
            limits: Limits::new(&config.limits),
            remotes: Default::default(),
            ready: Default::default(),
            config,
        });
        let hash = password::hash(ADMIN_PASSWORD).await.unwrap();
        boot::admin::found(&app.pool, app.clock.now(), &hash)
            .await
            .unwrap();
        router::install_metrics();
        Self {
            router: router::build(app.clone()),
            app,
        }
    }

    /// Another process on the same database and store, which remembers what it read, as `serve` does.
    pub(crate) async fn replica(&self) -> Self {
        let other = Self::with_blobs(self.app.pool.clone(), self.app.blobs.clone(), |_| {}).await;
        tokio::spawn(coherence::run(other.app.clone(), CancellationToken::new()));
        while !other.app.coherence.window().is_open() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        other
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.app.clock.advance(by);
    }

    /// Sends a request through the router, and leaves the answer's body to be read.
    pub(crate) async fn respond(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request through the router.
    pub(crate) async fn request(&self, request: Request<Body>) -> Answer {
        let response = self.respond(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// The administrator.
    pub(crate) fn admin(&self) -> As {
        As::Basic("admin".to_owned(), ADMIN_PASSWORD.to_owned())
    }

    /// Sends a request without a body.
    pub(crate) async fn send(&self, who: &As, method: Method, uri: &str) -> Answer {
        self.request(
            who.on(Request::builder().method(method).uri(uri))
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// Sends a request with a JSON body.
    pub(crate) async fn send_json(&self, who: &As, method: Method, uri: &str, body: &Value) -> Answer {
        let builder = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::CONTENT_TYPE, "application/json");
        self.request(who.on(builder).body(Body::from(body.to_string())).unwrap())
            .await
    }

    /// GET.
    pub(crate) async fn get(&self, who: &As, uri: &str) -> Answer {
        self.send(who, Method::GET, uri).await
    }

    /// A person's account with the password [`PASSWORD`].
    pub(crate) async fn create_user(&self, name: &str) -> As {
        let hash = password::hash(PASSWORD).await.unwrap();
        let now = self.app.clock.now();
        sqlx::query(
            "INSERT INTO users (username, email, realname, password_hash, created_at, updated_at)
             VALUES ($1, $2, $1, $3, $4, $4)",
        )
        .bind(name)
        .bind(format!("{name}@example.org"))
        .bind(hash)
        .bind(now)
        .execute(&self.app.pool)
        .await
        .unwrap();
        As::Basic(name.to_owned(), PASSWORD.to_owned())
    }

    /// A project of the administrator's.
    pub(crate) async fn create_project(&self, name: &str, public: bool) -> i64 {
        sqlx::query_scalar(
            "INSERT INTO projects (name, owner_id, public, created_at, updated_at)
             VALUES ($1, 1, $2, $3, $3) RETURNING id",
        )
        .bind(name)
        .bind(public)
        .bind(self.app.clock.now())
        .fetch_one(&self.app.pool)
        .await
        .unwrap()
    }

    /// Makes a person (by name) a member of a project (by id) with Harbor's role number.
    pub(crate) async fn add_member(&self, project_id: i64, user: &str, role: i16) {
        sqlx::query(
            "INSERT INTO project_members (project_id, user_id, role)
             SELECT $1, id, $3 FROM users WHERE username = $2",
        )
        .bind(project_id)
        .bind(user)
        .bind(role)
        .execute(&self.app.pool)
        .await
        .unwrap();
    }

    /// A robot of a project (id and name) that may do this there, such as `[("repository", "pull")]`.
    pub(crate) async fn create_robot(&self, project: (i64, &str), name: &str, access: &[(&str, &str)]) -> As {
        let access = access
            .iter()
            .map(|(resource, action)| GrantedAction {
                resource: (*resource).to_owned(),
                action: (*action).to_owned(),
                effect: None,
            })
            .collect();
        let grants = vec![Grant {
            kind: "project".to_owned(),
            namespace: project.1.to_owned(),
            access,
        }];
        self.insert_robot(Some(project.0), name, json!(grants)).await;
        let full = robot_names::full_name(&self.app.config.robot, Some(project.1), name);
        As::Basic(full, PASSWORD.to_owned())
    }

    /// A system robot with these permissions, as Harbor writes them.
    pub(crate) async fn create_system_robot(&self, name: &str, permissions: Value) -> As {
        self.insert_robot(None, name, permissions).await;
        let full = robot_names::full_name(&self.app.config.robot, None, name);
        As::Basic(full, PASSWORD.to_owned())
    }

    async fn insert_robot(&self, project_id: Option<i64>, name: &str, permissions: Value) {
        let hash = password::hash(PASSWORD).await.unwrap();
        sqlx::query(
            "INSERT INTO robots (project_id, name, secret_hash, duration, permissions, creator_type, creator_ref,
                                 created_at, updated_at)
             VALUES ($1, $2, $3, -1, $4, 'local', 1, $5, $5)",
        )
        .bind(project_id)
        .bind(name)
        .bind(hash)
        .bind(permissions)
        .bind(self.app.clock.now())
        .execute(&self.app.pool)
        .await
        .unwrap();
    }

    /// A token of the real token service for these scopes.
    pub(crate) async fn token(&self, who: &As, scopes: &[&str]) -> As {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("service", crate::kernel::token::SERVICE);
        for scope in scopes {
            query.append_pair("scope", scope);
        }
        let answer = self.get(who, &format!("/service/token?{}", query.finish())).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        As::Bearer(answer.json()["token"].as_str().unwrap().to_owned())
    }
}

impl As {
    /// Adds the credentials to a request.
    pub(crate) fn on(&self, builder: Builder) -> Builder {
        match self {
            Self::Nobody => builder,
            Self::Basic(name, password) => {
                let value = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
                builder.header(header::AUTHORIZATION, value)
            }
            Self::Bearer(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        }
    }
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// A header's text, empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}
