//! The store beside the database.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::TimeDelta;
use slipway_blobs::{BlobStore, FilesystemStore, MemoryStore};
use slipway_model::{Algorithm, Digest};
use sqlx::PgPool;

use super::support::Client;
use crate::distribution::garbage::abort_strays;
use crate::distribution::verify::{Options, Report, verify};
use crate::testing::TestApp;

const LOOK: Options = Options {
    checksums: None,
    repair: false,
};
const REPAIR: Options = Options {
    checksums: None,
    repair: true,
};

/// Puts bytes into the store behind the registry's back.
async fn stray(store: &dyn BlobStore, bytes: &'static [u8]) {
    let body = Box::pin(futures::stream::iter([Ok(bytes.into())]));
    slipway_blobs::put(store, body, &Digest::sha256(bytes), None)
        .await
        .unwrap();
}

async fn stray_upload(store: &dyn BlobStore, bytes: &'static [u8]) {
    let mut state = store.begin(Algorithm::Sha256).await.unwrap();
    let body = Box::pin(futures::stream::iter([Ok(bytes.into())]));
    store.append(&mut state, body, Default::default()).await.unwrap();
}

async fn look(app: &TestApp, options: Options) -> Report {
    verify(&app.app, options).await.unwrap()
}

#[sqlx::test]
async fn h01_everything_that_no_row_knows_is_found_and_removed(pool: PgPool) {
    let store = Arc::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    client.image("p/app", "v1", "layer").await;
    let location = client.begin("p/app").await;
    client.patch(&location, None, "half of it").await;
    let clean = look(&app, LOOK).await;
    assert_eq!((clean.blobs, clean.objects, clean.uploads), (2, 2, 1));
    assert!(!clean.is_damaged() && !clean.has_leftovers());

    for bytes in [&b"one"[..], b"two", b"three"] {
        stray(&*store, bytes).await;
    }
    stray_upload(&*store, b"nobody's").await;
    let found = look(&app, LOOK).await;
    assert_eq!(
        (found.unknown_objects.count, found.unknown_objects.bytes),
        (3, 11)
    );
    assert_eq!((found.unknown_uploads.count, found.unknown_uploads.bytes), (1, 8));
    assert!(!found.is_damaged() && found.has_leftovers());
    assert_eq!(found.freed_bytes, 0);

    let repaired = look(&app, REPAIR).await;
    assert_eq!(
        (repaired.removed, repaired.freed_bytes, repaired.failed),
        (4, 19, 0)
    );
    assert!(!repaired.has_leftovers());
    let after = look(&app, LOOK).await;
    assert_eq!(
        (
            after.blobs,
            after.objects,
            after.uploads,
            after.unknown_objects.count
        ),
        (2, 2, 1, 0)
    );
    assert_eq!(
        client.patch(&location, None, "and the rest").await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(client.get("/v2/p/app/manifests/v1").await.status, StatusCode::OK);
}

#[sqlx::test]
async fn what_is_young_or_may_still_be_finished_is_left_alone(pool: PgPool) {
    // Files have the real time, the test's clock stands still long before it.
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FilesystemStore::open(folder.path().join("blobs")).await.unwrap());
    let app = TestApp::with_blobs(pool, store.clone(), |_| {}).await;
    stray(&*store, b"just arrived").await;
    stray_upload(&*store, b"arriving").await;
    let young = look(&app, REPAIR).await;
    assert_eq!((young.young_objects, young.removed, young.objects), (1, 0, 1));
    assert_eq!(young.unknown_uploads.count, 0);
    app.advance(TimeDelta::days(365 * 20));
    let old = look(&app, REPAIR).await;
    assert_eq!((old.young_objects, old.removed), (0, 2));
}

/// A closing request died between the store and the database: its row is there, so it may be repeated.
#[sqlx::test]
async fn an_object_whose_upload_has_a_row_is_left_alone(pool: PgPool) {
    let store = Arc::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    client.patch(&location, None, "all of it").await;
    let row: serde_json::Value = sqlx::query_scalar("SELECT state FROM uploads")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    let digest = Digest::sha256(b"all of it");
    store
        .finish(&serde_json::from_value(row).unwrap(), &digest)
        .await
        .unwrap();
    let report = look(&app, REPAIR).await;
    assert_eq!((report.young_objects, report.removed), (1, 0));
    assert_eq!(
        client.finish(&location, &digest, "").await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{digest}")).await.body,
        "all of it"
    );
}

#[sqlx::test]
async fn lost_and_damaged_blobs_are_named_with_who_needs_them(pool: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FilesystemStore::open(folder.path()).await.unwrap());
    let app = TestApp::with_blobs(pool, store, |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let [lost, short, rotten, good] = [
        client.blob("p/lost", b"lost").await,
        client.blob("p/short", b"short").await,
        client.blob("p/rotten", b"rotten").await,
        client.blob("p/good", b"good").await,
    ];
    let path = async |digest: &Digest| {
        let key: String = sqlx::query_scalar("SELECT storage_key FROM blobs WHERE digest = $1")
            .bind(digest.as_str())
            .fetch_one(&app.app.pool)
            .await
            .unwrap();
        folder.path().join("blobs").join(key)
    };
    std::fs::remove_file(path(&lost).await).unwrap();
    std::fs::write(path(&short).await, "shor").unwrap();
    std::fs::write(path(&rotten).await, "rotted").unwrap();
    let report = look(
        &app,
        Options {
            checksums: Some(1 << 30),
            repair: true,
        },
    )
    .await;
    assert!(report.is_damaged());
    for (findings, digest, found) in [
        (&report.missing, &lost, None),
        (&report.wrong_size, &short, Some("4 bytes".to_owned())),
        (
            &report.wrong_content,
            &rotten,
            Some(Digest::sha256(b"rotted").to_string()),
        ),
    ] {
        let item = findings
            .items
            .iter()
            .find(|item| item.digest == digest.as_str())
            .unwrap();
        assert_eq!(item.found, found);
        assert_eq!(item.repositories.len(), 1);
    }
    assert_eq!((report.missing.count, report.wrong_size.count), (1, 1));
    // Nothing live is touched.
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM blobs")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert_eq!((rows, report.removed), (4, 0));
    assert_eq!(client.get(&format!("/v2/p/good/blobs/{good}")).await.body, "good");
}

#[sqlx::test]
async fn h10_uploads_that_a_removed_project_left_are_aborted(pool: PgPool) {
    let store = Arc::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    for _ in 0..3 {
        let location = client.begin("p/app").await;
        client.patch(&location, None, "half of it").await;
    }
    let done = abort_strays(&app.app, || false).await.unwrap();
    assert_eq!((done.seen, done.removed), (3, 0));
    sqlx::query("DELETE FROM projects WHERE name = 'p'")
        .execute(&app.app.pool)
        .await
        .unwrap();
    let done = abort_strays(&app.app, || false).await.unwrap();
    assert_eq!((done.seen, done.removed, done.freed_bytes), (3, 3, 30));
    assert!(store.list_uploads(None, 10).await.unwrap().is_empty());
}

#[sqlx::test]
async fn a_shared_store_keeps_what_others_may_know(pool: PgPool) {
    let store = Arc::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |config| config.storage_shared = true).await;
    stray_upload(&*store, b"another registry's").await;
    assert_eq!(abort_strays(&app.app, || false).await.unwrap().removed, 0);
    assert_eq!(store.list_uploads(None, 10).await.unwrap().len(), 1);
}
