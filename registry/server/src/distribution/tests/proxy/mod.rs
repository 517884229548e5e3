//! Proxy caches before a registry that behaves well and badly.

mod blobs;
mod lists;
mod projects;
mod tags;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_model::Digest;
use slipway_model::manifest::{OCI_INDEX, OCI_MANIFEST};
use slipway_simulator::{Habits, Simulator};
use sqlx::PgPool;

use super::support::{Client, image_document, index_document};
use crate::testing::{Answer, TestApp};

/// The one repository, upstream and through the cache.
const UPSTREAM: &str = "team/app";
const CACHED: &str = "cache/team/app";

/// A registry that stands before a simulated one.
struct Cache {
    app: TestApp,
    upstream: Simulator,
}

/// An image at the upstream.
struct Image {
    manifest: Digest,
    config: Digest,
    layer: Digest,
}

impl Cache {
    async fn new(pool: PgPool) -> Self {
        Self::with(pool, Habits::default(), "docker-registry", json!({})).await
    }

    async fn with(pool: PgPool, habits: Habits, kind: &str, metadata: Value) -> Self {
        let upstream = Simulator::start(habits).await;
        let app = TestApp::with_config(pool, |config| {
            config.upstreams_allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await;
        let registry = json!({"name": "upstream", "type": kind, "url": upstream.url,
            "credential": {"type": "basic", "access_key": "robot$p+x", "access_secret": "Ge:heim 1"}});
        let answer = app
            .send_json(&app.admin(), Method::POST, "/api/v2.0/registries", &registry)
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let project = json!({"project_name": "cache", "registry_id": 1, "metadata": metadata});
        let answer = app
            .send_json(&app.admin(), Method::POST, "/api/v2.0/projects", &project)
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        Self { app, upstream }
    }

    /// Another process, which remembers nothing of this one.
    async fn replica(&self) -> TestApp {
        let networks = |config: &mut crate::config::Config| {
            config.upstreams_allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        };
        TestApp::with_blobs(self.app.app.pool.clone(), self.app.app.blobs.clone(), networks).await
    }

    fn client(&self) -> Client<'_> {
        Client::admin(&self.app)
    }

    async fn manifest(&self, reference: &str) -> Answer {
        self.client()
            .get(&format!("/v2/{CACHED}/manifests/{reference}"))
            .await
    }

    async fn blob(&self, digest: &Digest) -> Answer {
        self.client().get(&format!("/v2/{CACHED}/blobs/{digest}")).await
    }

    /// Sets one of the project's settings.
    async fn set(&self, name: &str, value: &str) {
        let uri = format!("/api/v2.0/projects/cache/metadatas/{name}");
        let body = json!({name: value});
        let answer = self
            .app
            .send_json(&self.app.admin(), Method::PUT, &uri, &body)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }

    /// Puts an image with this layer under a tag of the upstream.
    fn image(&self, tag: &str, layer: &[u8]) -> Image {
        let config = br#"{"architecture":"arm64","os":"linux"}"#;
        let (config_digest, layer_digest) = (
            self.upstream.put_blob(UPSTREAM, &config[..]),
            self.upstream.put_blob(UPSTREAM, layer.to_vec()),
        );
        let document = image_document(&config_digest, config.len(), &layer_digest, layer.len());
        let manifest = self
            .upstream
            .put_manifest(UPSTREAM, tag, OCI_MANIFEST, document.to_string());
        Image {
            manifest,
            config: config_digest,
            layer: layer_digest,
        }
    }

    /// Puts an index under a tag of the upstream.
    fn index(&self, tag: &str, children: &[&Image]) -> Digest {
        let document = index_document(children.iter().map(|child| (&child.manifest, 500)));
        self.upstream
            .put_manifest(UPSTREAM, tag, OCI_INDEX, document.to_string())
    }

    /// How many requests the upstream got.
    fn asked(&self, method: &str, path: &str) -> usize {
        self.upstream.asked(method, path).len()
    }

    /// How many requests about the repository the upstream got.
    fn requests(&self) -> usize {
        let seen = self.upstream.seen();
        seen.iter().filter(|seen| seen.path.contains(UPSTREAM)).count()
    }

    /// Lets all that is remembered of tags grow old.
    fn later(&self) {
        self.app.advance(chrono::TimeDelta::seconds(61));
    }
}

/// Asserts that the answer is this manifest, and which warnings stand beside it.
#[track_caller]
fn served(answer: &Answer, digest: &Digest, codes: &[&str]) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("docker-content-digest"), digest.as_str());
    let warnings = answer.headers.get_all("warning").iter();
    let found: Vec<&str> = warnings.map(|line| &line.to_str().unwrap()[..3]).collect();
    assert_eq!(found, codes, "{answer:?}");
}

/// Bytes that differ at every place.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn request(cache: &Cache, uri: &str) -> axum::http::Request<Body> {
    let builder = axum::http::Request::builder().uri(uri);
    cache.app.admin().on(builder).body(Body::empty()).unwrap()
}
