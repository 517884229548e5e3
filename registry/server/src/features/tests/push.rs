//! Pushes content through the distribution API.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use slipway_model::Digest;
use slipway_model::manifest::{OCI_INDEX, OCI_MANIFEST};

use crate::testing::{As, TestApp};

/// An image that was pushed.
#[derive(Debug, Clone)]
pub(in crate::features) struct Image {
    pub(in crate::features) digest: Digest,
    pub(in crate::features) size: usize,
}

/// Uploads a blob as a whole.
pub(in crate::features) async fn blob(app: &TestApp, who: &As, repository: &str, bytes: &[u8]) -> Digest {
    let digest = Digest::sha256(bytes);
    let uri = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
    let builder = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, bytes.len());
    let answer = app
        .request(who.on(builder).body(Body::from(bytes.to_vec())).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    digest
}

/// Puts a manifest by a tag or its digest.
pub(in crate::features) async fn manifest(
    app: &TestApp,
    who: &As,
    repository: &str,
    reference: Option<&str>,
    document: &Value,
) -> Image {
    let bytes = document.to_string().into_bytes();
    let digest = Digest::sha256(&bytes);
    let reference = reference.unwrap_or(digest.as_str());
    let builder = Request::builder()
        .method(Method::PUT)
        .uri(format!("/v2/{repository}/manifests/{reference}"))
        .header(
            header::CONTENT_TYPE,
            document["mediaType"].as_str().unwrap_or(OCI_MANIFEST),
        );
    let size = bytes.len();
    let answer = app
        .request(who.on(builder).body(Body::from(bytes)).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    Image { digest, size }
}

/// Pushes an image with one layer; without a tag by its digest.
pub(in crate::features) async fn image(
    app: &TestApp,
    repository: &str,
    tag: Option<&str>,
    content: &str,
) -> Image {
    let document = document(app, repository, content).await;
    manifest(app, &app.admin(), repository, tag, &document).await
}

/// Pushes something that refers to an image.
pub(in crate::features) async fn referrer(
    app: &TestApp,
    repository: &str,
    subject: &Image,
    artifact_type: &str,
) -> Image {
    let mut document = document(app, repository, artifact_type).await;
    document["artifactType"] = json!(artifact_type);
    document["subject"] = json!({"mediaType": OCI_MANIFEST, "digest": subject.digest, "size": subject.size});
    manifest(app, &app.admin(), repository, None, &document).await
}

/// Pushes an index over images.
pub(in crate::features) async fn index(
    app: &TestApp,
    repository: &str,
    tag: &str,
    children: &[&Image],
) -> Image {
    let children: Vec<Value> = children
        .iter()
        .map(|child| {
            json!({
                "mediaType": OCI_MANIFEST, "digest": child.digest, "size": child.size,
                "platform": {"architecture": "arm64", "os": "linux", "variant": "v8"},
            })
        })
        .collect();
    let document = json!({
        "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children, "annotations": {"title": "multi"},
    });
    manifest(app, &app.admin(), repository, Some(tag), &document).await
}

async fn document(app: &TestApp, repository: &str, content: &str) -> Value {
    let admin = app.admin();
    let config = json!({
        "architecture": "amd64", "os": "linux", "author": "Slipway", "created": "2024-01-01T00:00:00Z",
        "config": {"Cmd": ["/app"]}, "rootfs": {"type": "layers", "diff_ids": []},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": format!("COPY {content} /")}],
    })
    .to_string();
    let config_digest = blob(app, &admin, repository, config.as_bytes()).await;
    let layer = blob(app, &admin, repository, content.as_bytes()).await;
    json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config_digest, "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": content.len(),
        }],
    })
}
