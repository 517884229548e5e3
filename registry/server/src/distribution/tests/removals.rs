use axum::http::StatusCode;
use chrono::TimeDelta;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::{Client, json_of, number, refused, used};
use crate::distribution::content::Place;
use crate::distribution::removal::remove_repository;
use crate::testing::TestApp;

#[sqlx::test]
async fn p21_deleted_stays_deleted(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let (a, b) = (
        client.blob("p/a", b"shared").await,
        client.blob("p/b", b"shared").await,
    );
    assert_eq!(a, b);
    let (in_a, in_b) = (format!("/v2/p/a/blobs/{a}"), format!("/v2/p/b/blobs/{a}"));
    assert_eq!(client.get(&in_a).await.status, StatusCode::OK);
    assert_eq!(client.delete(&in_a).await.status, StatusCode::ACCEPTED);
    assert_eq!(client.get(&in_b).await.body, "shared");
    refused(&client.get(&in_a).await, 404, "BLOB_UNKNOWN");
    refused(&client.delete(&in_a).await, 404, "BLOB_UNKNOWN");
}

#[sqlx::test]
async fn a_manifest_goes_with_its_tags_and_a_tag_alone(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    for tag in ["v2", "v3"] {
        client.put("p/app", tag, &image.manifest, OCI_MANIFEST).await;
    }
    assert_eq!(
        client.delete("/v2/p/app/manifests/v1").await.status,
        StatusCode::ACCEPTED
    );
    refused(
        &client.get("/v2/p/app/manifests/v1").await,
        404,
        "MANIFEST_UNKNOWN",
    );
    refused(
        &client.delete("/v2/p/app/manifests/v1").await,
        404,
        "MANIFEST_UNKNOWN",
    );
    assert_eq!(client.get("/v2/p/app/manifests/v2").await.status, StatusCode::OK);
    let uri = format!("/v2/p/app/manifests/{}", image.digest);
    assert_eq!(client.delete(&uri).await.status, StatusCode::ACCEPTED);
    for uri in [uri.as_str(), "/v2/p/app/manifests/v2", "/v2/p/app/manifests/v3"] {
        refused(&client.get(uri).await, 404, "MANIFEST_UNKNOWN");
    }
    refused(&client.delete(&uri).await, 404, "MANIFEST_UNKNOWN");
    refused(
        &client.delete("/v2/p/never/manifests/v1").await,
        404,
        "NAME_UNKNOWN",
    );
    assert_eq!(
        used(&app, p).await,
        0,
        "what was removed does not count from then on"
    );
    let kinds = "SELECT count(*) FROM events WHERE kind IN ('artifact.deleted', 'tag.deleted')";
    assert_eq!(number(&app, kinds).await, 2);
    assert_eq!(
        number(&app, "SELECT count(*) FROM audit_log WHERE operation = 'delete'").await,
        2
    );
}

#[sqlx::test]
async fn what_is_needed_is_not_removed(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "", "layer").await;
    let (index, answer) = client.index("p/app", "multi", &[&image]).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    for uri in [
        format!("/v2/p/app/manifests/{}", image.digest),
        format!("/v2/p/app/blobs/{}", image.layer),
        format!("/v2/p/app/blobs/{}", image.config),
    ] {
        let answer = client.delete(&uri).await;
        refused(&answer, 405, "UNSUPPORTED");
        assert!(!answer.header("allow").contains("DELETE"));
        assert_eq!(client.get(&uri).await.status, StatusCode::OK, "{uri}");
    }
    for uri in [
        format!("/v2/p/app/manifests/{index}"),
        format!("/v2/p/app/manifests/{}", image.digest),
        format!("/v2/p/app/blobs/{}", image.layer),
    ] {
        assert_eq!(client.delete(&uri).await.status, StatusCode::ACCEPTED, "{uri}");
    }
}

#[sqlx::test]
async fn what_another_manifest_needs_still_counts(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (p, q) = (
        app.create_project("p", false).await,
        app.create_project("q", false).await,
    );
    let client = Client::admin(&app);
    let one = client.image("p/app", "one", "shared layer").await;
    let two = client
        .image_with("p/app", "two", "shared layer", |d| d["x"] = 1.into())
        .await;
    let other = client.image("q/app", "one", "shared layer").await;
    let content = 12 + 14;
    assert_eq!(
        used(&app, p).await,
        (content + one.manifest.len() + two.manifest.len()) as i64
    );
    client
        .delete(&format!("/v2/p/app/manifests/{}", one.digest))
        .await;
    assert_eq!(used(&app, p).await, (content + two.manifest.len()) as i64);
    client
        .delete(&format!("/v2/p/app/manifests/{}", two.digest))
        .await;
    assert_eq!(
        (used(&app, p).await, used(&app, q).await),
        (0, (content + other.manifest.len()) as i64)
    );
    // The blobs are still linked through the grace period: the same image comes back without an upload.
    assert_eq!(
        client
            .head(&format!("/v2/p/app/blobs/{}", one.layer))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        client
            .put("p/app", "one", &one.manifest, OCI_MANIFEST)
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(used(&app, p).await, (content + one.manifest.len()) as i64);
}

#[sqlx::test]
async fn a_repository_goes_as_a_whole_and_comes_back_empty(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    client.index("p/app", "multi", &[&image]).await;
    client.blob("p/app", b"loose").await;
    let id = number(&app, "SELECT id FROM repositories").await;
    let mut tx = app.app.pool.begin().await.unwrap();
    let place = Place {
        project_id: p,
        repository_id: id,
    };
    remove_repository(&mut tx, app.app.clock.now(), TimeDelta::zero(), place)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(used(&app, p).await, 0);
    refused(&client.get("/v2/p/app/tags/list").await, 404, "NAME_UNKNOWN");
    refused(
        &client.get(&format!("/v2/p/app/blobs/{}", image.layer)).await,
        404,
        "NAME_UNKNOWN",
    );
    client.image("p/app", "v2", "other").await;
    assert_eq!(
        json_of(&client.get("/v2/p/app/tags/list").await)["tags"],
        serde_json::json!(["v2"])
    );
    refused(
        &client.get(&format!("/v2/p/app/blobs/{}", image.layer)).await,
        404,
        "BLOB_UNKNOWN",
    );
}

#[sqlx::test]
async fn a_new_project_of_an_old_name_sees_nothing_of_the_old_one(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let old = client.blob("p/app", b"of the old project").await;
    let location = client.begin("p/app").await;
    sqlx::query("UPDATE projects SET deleted_at = created_at WHERE name = 'p'")
        .execute(&app.app.pool)
        .await
        .unwrap();
    let p = app.create_project("p", false).await;
    refused(
        &client.get(&format!("/v2/p/app/blobs/{old}")).await,
        404,
        "NAME_UNKNOWN",
    );
    refused(&client.get(&location).await, 404, "BLOB_UPLOAD_UNKNOWN");
    client.image("p/app", "v1", "new").await;
    refused(
        &client.get(&format!("/v2/p/app/blobs/{old}")).await,
        404,
        "BLOB_UNKNOWN",
    );
    refused(
        &client
            .put(
                "p/app",
                "x",
                &super::support::image_document(&old, 1, &old, 1)
                    .to_string()
                    .into_bytes(),
                OCI_MANIFEST,
            )
            .await,
        400,
        "MANIFEST_BLOB_UNKNOWN",
    );
    assert!(used(&app, p).await > 0);
}

#[sqlx::test]
async fn a_manifest_that_was_pushed_as_a_blob_too_stops_counting_for_both(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    client.blob("p/app", &image.manifest).await;
    let place = Place {
        project_id: p,
        repository_id: number(&app, "SELECT id FROM repositories").await,
    };
    let mut tx = app.app.pool.begin().await.unwrap();
    remove_repository(&mut tx, app.app.clock.now(), TimeDelta::zero(), place)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(used(&app, p).await, 0);
    super::garbage::assert_counts(&app).await;
}
