use axum::body::Body;
use axum::http::{Method, StatusCode};
use slipway_model::Digest;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::{Client, json_of, refused};
use crate::testing::{As, TestApp};

#[sqlx::test]
async fn p56_names_and_tags(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    for name in [
        "p/a__b",
        "p/a---b",
        "p/x/y/z/w",
        "p/tags/list",
        "p/blobs/uploads",
        "p/manifests/latest",
        "p/a",
        "p/_catalog/x",
    ] {
        if name.contains("_catalog") {
            refused(
                &client.post(&format!("/v2/{name}/blobs/uploads/")).await,
                400,
                "NAME_INVALID",
            );
            continue;
        }
        let image = client.image(name, "latest", name).await;
        assert_eq!(
            client.get(&format!("/v2/{name}/manifests/latest")).await.body,
            image.manifest,
            "{name}"
        );
        let list = json_of(&client.get(&format!("/v2/{name}/tags/list")).await);
        assert_eq!(
            (&list["name"], &list["tags"][0]),
            (&name.into(), &"latest".into())
        );
        assert_eq!(
            client
                .head(&format!("/v2/{name}/blobs/{}", image.layer))
                .await
                .status,
            StatusCode::OK,
            "{name}"
        );
    }
    let long = format!("p/{}", "a".repeat(300));
    for name in ["P/App", "p//a", "p/a..b", "p/-a", "app", &long] {
        let answer = client.post(&format!("/v2/{name}/blobs/uploads/")).await;
        refused(&answer, 400, "NAME_INVALID");
    }
    let longest = format!("p/{}", "a".repeat(253));
    let image = client.image(&longest, &"t".repeat(128), "layer").await;
    let answer = client
        .put(&longest, &"t".repeat(129), &image.manifest, OCI_MANIFEST)
        .await;
    refused(&answer, 400, "TAG_INVALID");
}

#[sqlx::test]
async fn p66_wrong_methods_and_unknown_paths(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let digest = Digest::sha256(b"x");
    for (method, uri, allow) in [
        (Method::DELETE, "/v2/p/a/tags/list".to_owned(), "GET, HEAD"),
        (Method::POST, "/v2/".to_owned(), "GET, HEAD"),
        (Method::POST, "/v2/_catalog".to_owned(), "GET, HEAD"),
        (Method::GET, "/v2/p/a/blobs/uploads/".to_owned(), "POST"),
        (
            Method::PUT,
            format!("/v2/p/a/blobs/{digest}"),
            "GET, HEAD, DELETE",
        ),
        (
            Method::POST,
            "/v2/p/a/manifests/v1".to_owned(),
            "GET, HEAD, PUT, DELETE",
        ),
        (Method::POST, format!("/v2/p/a/referrers/{digest}"), "GET, HEAD"),
        (
            Method::OPTIONS,
            "/v2/p/a/manifests/v1".to_owned(),
            "GET, HEAD, PUT, DELETE",
        ),
        (
            Method::POST,
            "/v2/p/a/blobs/uploads/7b0d6a3c-6c2e-4d4f-8d7f-0d9a35f8d8a1".to_owned(),
            "GET, HEAD, PATCH, PUT, DELETE",
        ),
    ] {
        let answer = client.send(method.clone(), &uri, &[], Body::empty()).await;
        refused(&answer, 405, "UNSUPPORTED");
        assert_eq!(answer.header("allow"), allow, "{method} {uri}");
    }
    for uri in [
        "/v2/nonsense",
        "/v2/p/a",
        "/v2/p/a/manifests",
        "/v2/p/a/tags",
        "/v2/p/a/tags/list/",
        "/v2//",
    ] {
        refused(&client.get(uri).await, 404, "NOT_FOUND");
        refused(&Client::of(&app, &As::Nobody).get(uri).await, 404, "NOT_FOUND");
    }
}

#[sqlx::test]
async fn p66_every_answer_names_the_api(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let client = Client::admin(&app);
    for uri in [
        "/v2",
        "/v2/",
        "/v2/nonsense",
        "/v2/p/a/manifests/v1",
        "/v2/A/manifests/v1",
    ] {
        assert_eq!(
            client.get(uri).await.header("docker-distribution-api-version"),
            "registry/2.0",
            "{uri}"
        );
    }
}
