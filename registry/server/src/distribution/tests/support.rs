//! A client in few words.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use slipway_model::Digest;
use slipway_model::manifest::{OCI_INDEX, OCI_MANIFEST};

use crate::testing::{Answer, As, TestApp};

/// Somebody who talks to a registry.
pub(super) struct Client<'a> {
    pub(super) app: &'a TestApp,
    pub(super) who: As,
}

/// An image that was pushed.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) manifest: Vec<u8>,
    pub(super) digest: Digest,
    pub(super) config: Digest,
    pub(super) layer: Digest,
}

impl<'a> Client<'a> {
    /// The administrator.
    pub(super) fn admin(app: &'a TestApp) -> Self {
        Self {
            app,
            who: app.admin(),
        }
    }

    /// Somebody.
    pub(super) fn of(app: &'a TestApp, who: &As) -> Self {
        Self {
            app,
            who: who.clone(),
        }
    }

    /// Somebody with a token for these scopes.
    pub(super) async fn with_token(app: &'a TestApp, who: &As, scopes: &[&str]) -> Self {
        let scopes: String = scopes.iter().map(|scope| format!("&scope={scope}")).collect();
        let answer = app
            .get(who, &format!("/service/token?service=harbor-registry{scopes}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        Self {
            app,
            who: As::Bearer(body["token"].as_str().unwrap().to_owned()),
        }
    }

    /// Any request.
    pub(super) async fn send(
        &self,
        method: Method,
        uri: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut builder = self.who.on(Request::builder().method(method).uri(uri));
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        self.app.request(builder.body(body).unwrap()).await
    }

    pub(super) async fn get(&self, uri: &str) -> Answer {
        self.send(Method::GET, uri, &[], Body::empty()).await
    }

    pub(super) async fn head(&self, uri: &str) -> Answer {
        self.send(Method::HEAD, uri, &[], Body::empty()).await
    }

    pub(super) async fn delete(&self, uri: &str) -> Answer {
        self.send(Method::DELETE, uri, &[], Body::empty()).await
    }

    pub(super) async fn post(&self, uri: &str) -> Answer {
        self.send(Method::POST, uri, &[("content-length", "0")], Body::empty())
            .await
    }

    /// Begins an upload and returns where it goes on.
    pub(super) async fn begin(&self, repository: &str) -> String {
        let answer = self.post(&format!("/v2/{repository}/blobs/uploads/")).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.header("location").to_owned()
    }

    pub(super) async fn patch(&self, location: &str, range: Option<&str>, body: impl Into<Body>) -> Answer {
        let range: Vec<_> = range.map(|range| ("content-range", range)).into_iter().collect();
        self.send(Method::PATCH, location, &range, body.into()).await
    }

    pub(super) async fn finish(&self, location: &str, digest: &Digest, body: impl Into<Body>) -> Answer {
        self.send(
            Method::PUT,
            &format!("{location}?digest={digest}"),
            &[],
            body.into(),
        )
        .await
    }

    /// Pushes a blob in two requests.
    pub(super) async fn blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        let location = self.begin(repository).await;
        let answer = self.finish(&location, &digest, bytes.to_vec()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        digest
    }

    pub(super) async fn put(
        &self,
        repository: &str,
        reference: &str,
        bytes: &[u8],
        media_type: &str,
    ) -> Answer {
        let uri = format!("/v2/{repository}/manifests/{reference}");
        self.send(
            Method::PUT,
            &uri,
            &[(header::CONTENT_TYPE.as_str(), media_type)],
            Body::from(bytes.to_vec()),
        )
        .await
    }

    /// Pushes an image whose layer holds `content`.
    pub(super) async fn image(&self, repository: &str, tag: &str, content: &str) -> Image {
        self.image_with(repository, tag, content, |_| {}).await
    }

    /// Pushes an image whose manifest was changed before.
    pub(super) async fn image_with(
        &self,
        repository: &str,
        reference: &str,
        content: &str,
        change: impl FnOnce(&mut Value),
    ) -> Image {
        let config = self.blob(repository, b"{\"os\":\"linux\"}").await;
        let layer = self.blob(repository, content.as_bytes()).await;
        let mut document = image_document(&config, 14, &layer, content.len());
        change(&mut document);
        let manifest = document.to_string().into_bytes();
        let digest = Digest::sha256(&manifest);
        let reference = if reference.is_empty() {
            digest.to_string()
        } else {
            reference.to_owned()
        };
        let answer = self.put(repository, &reference, &manifest, OCI_MANIFEST).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        assert_eq!(answer.header("docker-content-digest"), digest.as_str());
        Image {
            manifest,
            digest,
            config,
            layer,
        }
    }

    /// Pushes an index of these children.
    pub(super) async fn index(
        &self,
        repository: &str,
        reference: &str,
        children: &[&Image],
    ) -> (Digest, Answer) {
        let document = index_document(children.iter().map(|child| (&child.digest, child.manifest.len())));
        let bytes = document.to_string().into_bytes();
        let answer = self.put(repository, reference, &bytes, OCI_INDEX).await;
        (Digest::sha256(&bytes), answer)
    }
}

pub(super) fn image_document(
    config: &Digest,
    config_size: usize,
    layer: &Digest,
    layer_size: usize,
) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": layer_size}],
    })
}

pub(super) fn index_document<'a>(children: impl Iterator<Item = (&'a Digest, usize)>) -> Value {
    let manifests: Vec<Value> = children
        .map(|(digest, size)| {
            json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": size,
                   "platform": {"os": "linux", "architecture": "amd64"}})
        })
        .collect();
    json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests})
}

/// The code in an error's body.
pub(super) fn code(answer: &Answer) -> String {
    let body = json_of(answer);
    body["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
}

/// A body as JSON.
pub(super) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Asserts a status and the code of an error's body.
#[track_caller]
pub(super) fn refused(answer: &Answer, status: u16, expected: &str) {
    assert_eq!(
        (answer.status.as_u16(), code(answer).as_str()),
        (status, expected),
        "{answer:?}"
    );
}

/// Bytes of project `p`, as its quota sees them.
pub(super) async fn used(app: &TestApp, project_id: i64) -> i64 {
    sqlx::query_scalar("SELECT coalesce(sum(size), 0)::bigint FROM project_blobs WHERE project_id = $1")
        .bind(project_id)
        .fetch_one(&app.app.pool)
        .await
        .unwrap()
}

/// A number from the database.
pub(super) async fn number(app: &TestApp, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&app.app.pool).await.unwrap()
}
