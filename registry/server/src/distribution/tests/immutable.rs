//! Tags that rules of the project hold where they are.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::{Client, Image, json_of, number, refused};
use crate::testing::TestApp;

const EVENTS: &str = "SELECT count(*) FROM events";

/// Project `p`, whose tags `v*` are immutable, with `v1` in `p/app`.
async fn registry(pool: PgPool) -> (TestApp, i64) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let rule = json!({
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "app"}]},
    });
    let uri = "/api/v2.0/projects/p/immutabletagrules";
    let added = app.send_json(&app.admin(), Method::POST, uri, &rule).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let id = added
        .header("location")
        .rsplit('/')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    (app, id)
}

/// Another manifest over the same blobs.
fn other(image: &Image) -> Vec<u8> {
    let mut document: serde_json::Value = serde_json::from_slice(&image.manifest).unwrap();
    document["annotations"] = json!({"other": "yes"});
    document.to_string().into_bytes()
}

#[sqlx::test]
async fn p50_the_same_manifest_again_is_a_success_without_event_and_another_is_refused(pool: PgPool) {
    let (app, rule) = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let before = number(&app, EVENTS).await;
    for _ in 0..2 {
        let again = client.put("p/app", "v1", &image.manifest, OCI_MANIFEST).await;
        assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
    }
    assert_eq!(number(&app, EVENTS).await, before);

    let manifest = other(&image);
    let answer = client.put("p/app", "v1", &manifest, OCI_MANIFEST).await;
    refused(&answer, 412, "DENIED");
    let error = &json_of(&answer)["errors"][0];
    assert_eq!(error["detail"], json!({"tag": "v1", "rule": rule}));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains(&format!("rule {rule}")),
        "{error}"
    );
    assert_eq!(number(&app, EVENTS).await, before);
    assert_eq!(
        number(&app, "SELECT count(*) FROM manifests").await,
        1,
        "nothing of the push stays"
    );

    let digest = slipway_model::Digest::sha256(&manifest);
    let by_digest = client
        .put("p/app", digest.as_str(), &manifest, OCI_MANIFEST)
        .await;
    assert_eq!(by_digest.status, StatusCode::CREATED, "{by_digest:?}");
    let new_tag = client.put("p/app", "v2", &manifest, OCI_MANIFEST).await;
    assert_eq!(new_tag.status, StatusCode::CREATED, "{new_tag:?}");
    assert_eq!(
        client
            .head("/v2/p/app/manifests/v1")
            .await
            .header("docker-content-digest"),
        image.digest.as_str()
    );
    // Other repositories are free.
    let free = client.image("p/free", "v1", "layer").await;
    let moved = client.put("p/free", "v1", &other(&free), OCI_MANIFEST).await;
    assert_eq!(moved.status, StatusCode::CREATED, "{moved:?}");
}

#[sqlx::test]
async fn p51_of_many_tags_none_is_set_where_one_is_immutable(pool: PgPool) {
    let (app, _) = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let manifest = other(&image);
    let digest = slipway_model::Digest::sha256(&manifest);
    let put = async |query: &str| {
        let uri = format!("/v2/p/app/manifests/{digest}?{query}");
        let headers = [("content-type", OCI_MANIFEST)];
        client
            .send(Method::PUT, &uri, &headers, Body::from(manifest.clone()))
            .await
    };
    refused(&put("tag=latest&tag=v1&tag=v9").await, 412, "DENIED");
    for tag in ["latest", "v9"] {
        refused(
            &client.get(&format!("/v2/p/app/manifests/{tag}")).await,
            404,
            "MANIFEST_UNKNOWN",
        );
    }
    let many: Vec<String> = (0..12).map(|n| format!("tag=v2.{n}")).collect();
    let set = put(&many.join("&")).await;
    assert_eq!(set.status, StatusCode::CREATED, "{set:?}");
    assert_eq!(set.header("oci-tag").split(", ").count(), 12, "{set:?}");
    assert_eq!(put(&many.join("&")).await.status, StatusCode::CREATED);
}

#[sqlx::test]
async fn an_immutable_tag_is_not_deleted_alone_nor_with_its_manifest(pool: PgPool) {
    let (app, _) = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    client.put("p/app", "latest", &image.manifest, OCI_MANIFEST).await;
    let by_digest = format!("/v2/p/app/manifests/{}", image.digest);
    refused(&client.delete("/v2/p/app/manifests/v1").await, 412, "DENIED");
    refused(&client.delete(&by_digest).await, 412, "DENIED");
    assert_eq!(
        client.delete("/v2/p/app/manifests/latest").await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(client.get("/v2/p/app/manifests/v1").await.status, StatusCode::OK);
    let sql = "SELECT count(*) FROM events WHERE kind IN ('artifact.deleted', 'tag.deleted')";
    assert_eq!(number(&app, sql).await, 1);
}

#[sqlx::test]
async fn of_many_first_pushes_to_an_immutable_tag_one_wins(pool: PgPool) {
    let (app, _) = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "base", "layer").await;
    let manifests: Vec<Vec<u8>> = (0..6)
        .map(|n| {
            let mut document: serde_json::Value = serde_json::from_slice(&image.manifest).unwrap();
            document["annotations"] = json!({"n": n.to_string()});
            document.to_string().into_bytes()
        })
        .collect();
    let pushes = manifests
        .iter()
        .map(|manifest| client.put("p/app", "v5", manifest, OCI_MANIFEST));
    let answers = futures::future::join_all(pushes).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412, 412, 412, 412, 412]);
}
