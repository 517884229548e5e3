use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use chrono::TimeDelta;
use futures::stream;
use slipway_blobs::{
    AppendOptions, BlobError, BlobKey, BlobReader, BlobStat, BlobStore, Deletion, ListedBlob, MemoryStore,
    OpenUpload, StoredBlob, UploadHandle, UploadId, UploadState,
};
use slipway_model::{Algorithm, Digest};
use sqlx::PgPool;

use super::support::{Client, json_of, number, refused};
use crate::distribution::garbage::{collect_blobs, expire_uploads};
use crate::testing::TestApp;

/// A store that fails while it is told to.
pub(crate) struct Faulty {
    inner: MemoryStore,
    failing: AtomicBool,
    /// What it does not delete.
    held: Mutex<HashSet<BlobKey>>,
}

impl Faulty {
    pub(crate) fn new(inner: MemoryStore) -> Arc<Self> {
        Arc::new(Self {
            inner,
            failing: AtomicBool::new(false),
            held: Mutex::default(),
        })
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), BlobError> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(BlobError::Unavailable {
                operation: "work",
                source: "told to fail".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl BlobStore for Faulty {
    async fn begin(&self, algorithm: Algorithm) -> Result<UploadState, BlobError> {
        self.check()?;
        self.inner.begin(algorithm).await
    }
    async fn append(
        &self,
        state: &mut UploadState,
        body: slipway_blobs::Body<'_>,
        options: AppendOptions,
    ) -> Result<u64, BlobError> {
        self.check()?;
        self.inner.append(state, body, options).await
    }
    async fn finish(&self, state: &UploadState, expected: &Digest) -> Result<StoredBlob, BlobError> {
        self.check()?;
        self.inner.finish(state, expected).await
    }
    async fn abort(&self, upload: &UploadHandle) -> Result<u64, BlobError> {
        self.check()?;
        self.inner.abort(upload).await
    }
    async fn open(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        self.check()?;
        self.inner.open(key, range).await
    }
    async fn stat(&self, key: &BlobKey) -> Result<BlobStat, BlobError> {
        self.check()?;
        self.inner.stat(key).await
    }
    async fn delete(&self, key: &BlobKey) -> Result<Deletion, BlobError> {
        self.check()?;
        if self.held.lock().unwrap().contains(key) {
            return Err(BlobError::Unavailable {
                operation: "delete",
                source: "held".into(),
            });
        }
        self.inner.delete(key).await
    }
    async fn list(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<ListedBlob>, BlobError> {
        self.check()?;
        self.inner.list(after, limit).await
    }
    async fn list_uploads(
        &self,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<OpenUpload>, BlobError> {
        self.check()?;
        self.inner.list_uploads(after, limit).await
    }
    async fn claim(&self, owner: uuid::Uuid) -> Result<uuid::Uuid, BlobError> {
        self.check()?;
        self.inner.claim(owner).await
    }
    async fn health(&self) -> Result<(), BlobError> {
        self.check()?;
        self.inner.health().await
    }
}

#[sqlx::test]
async fn p16_a_full_store_keeps_the_offset(pool: PgPool) {
    let app = TestApp::with_blobs(pool, Arc::new(MemoryStore::with_capacity(1000)), |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    assert_eq!(
        client.patch(&location, None, vec![1; 600]).await.header("range"),
        "0-599"
    );
    let full = client.patch(&location, None, vec![2; 600]).await;
    refused(&full, 507, "UNAVAILABLE");
    assert_eq!(client.get(&location).await.header("range"), "0-599");
    let whole = [vec![1; 600], vec![3; 10]].concat();
    assert_eq!(
        client
            .finish(&location, &Digest::sha256(&whole), vec![3; 10])
            .await
            .status,
        StatusCode::CREATED
    );
    let post = format!("/v2/p/app/blobs/uploads/?digest={}", Digest::sha256(&[4; 500]));
    refused(
        &client
            .send(Method::POST, &post, &[], Body::from(vec![4; 500]))
            .await,
        507,
        "UNAVAILABLE",
    );
    assert_eq!(
        client
            .head(&format!("/v2/p/app/blobs/{}", Digest::sha256(&[4; 500])))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    client.blob("p/app", b"small").await;
    assert!(app.app.blobs.list_uploads(None, 10).await.unwrap().is_empty());
}

#[sqlx::test]
async fn h59_a_store_that_does_not_answer_is_503_and_the_client_goes_on_later(pool: PgPool) {
    let store = Faulty::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let there = client.blob("p/app", b"there").await;
    let location = client.begin("p/app").await;
    client.patch(&location, None, "first ").await;
    let digest = Digest::sha256(b"first second");
    store.fail(true);
    for answer in [
        client.patch(&location, None, "second").await,
        client.finish(&location, &digest, "second").await,
        client.finish(&location, &digest, Body::empty()).await,
        client.get(&format!("/v2/p/app/blobs/{there}")).await,
        client.post("/v2/p/app/blobs/uploads/").await,
        client.delete(&location).await,
    ] {
        refused(&answer, 503, "UNAVAILABLE");
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(
        client.head(&format!("/v2/p/app/blobs/{there}")).await.status,
        StatusCode::OK
    );
    store.fail(false);
    assert_eq!(client.get(&location).await.header("range"), "0-5");
    assert_eq!(
        client.finish(&location, &digest, "second").await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{digest}")).await.body,
        "first second"
    );
}

#[sqlx::test]
async fn h02_freed_is_what_the_store_confirmed(pool: PgPool) {
    let store = Faulty::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    client.blob("p/app", b"loose").await;
    let location = client.begin("p/app").await;
    client.patch(&location, None, "idle").await;
    app.advance(TimeDelta::days(3));
    store.fail(true);
    let refused = collect_blobs(&app.app, || false).await.unwrap();
    assert_eq!(
        (
            refused.removed,
            refused.deleted,
            refused.freed_bytes,
            refused.failed
        ),
        (1, 0, 0, 1)
    );
    let expired = expire_uploads(&app.app, || false).await.unwrap();
    assert_eq!((expired.uploads, expired.failed), (0, 1));
    store.fail(false);
    app.advance(TimeDelta::minutes(1));
    let done = collect_blobs(&app.app, || false).await.unwrap();
    assert_eq!((done.deleted, done.freed_bytes, done.failed), (1, 5, 0));
    assert_eq!(expire_uploads(&app.app, || false).await.unwrap().uploads, 1);
    assert!(app.app.blobs.list_uploads(None, 10).await.unwrap().is_empty());
}

#[sqlx::test]
async fn h02_of_a_batch_only_the_confirmed_are_counted_and_forgotten(pool: PgPool) {
    let store = Faulty::new(MemoryStore::new());
    let app = TestApp::with_blobs(pool, store.clone(), |_| {}).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    for n in 0..150 {
        client.blob("p/app", format!("loose {n:03}").as_bytes()).await;
    }
    let held: HashSet<BlobKey> = app
        .app
        .blobs
        .list(None, 200)
        .await
        .unwrap()
        .into_iter()
        .step_by(7)
        .map(|blob| blob.key)
        .collect();
    assert_eq!(held.len(), 22);
    *store.held.lock().unwrap() = held.clone();
    app.advance(TimeDelta::days(3));
    let done = collect_blobs(&app.app, || false).await.unwrap();
    assert_eq!(
        (
            done.reviewed,
            done.removed,
            done.deleted,
            done.freed_bytes,
            done.failed
        ),
        (150, 150, 128, 128 * 9, 22)
    );
    let doomed: Vec<String> = sqlx::query_scalar("SELECT storage_key FROM doomed_objects")
        .fetch_all(&app.app.pool)
        .await
        .unwrap();
    let left: HashSet<BlobKey> = doomed.iter().map(|key| BlobKey::parse(key).unwrap()).collect();
    assert_eq!(left, held);
    store.held.lock().unwrap().clear();
    let done = collect_blobs(&app.app, || false).await.unwrap();
    assert_eq!((done.deleted, done.freed_bytes, done.failed), (22, 22 * 9, 0));
    assert_eq!(number(&app, "SELECT count(*) FROM doomed_objects").await, 0);
    assert!(app.app.blobs.list(None, 10).await.unwrap().is_empty());
    super::garbage::assert_counts(&app).await;
}

#[sqlx::test]
async fn h60_a_client_that_vanishes_keeps_what_arrived(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    let broken = || {
        let pieces: [Result<Bytes, std::io::Error>; 3] = [
            Ok(Bytes::from(vec![1; 300])),
            Ok(Bytes::from(vec![1; 100])),
            Err(std::io::Error::other("gone")),
        ];
        Body::from_stream(stream::iter(pieces))
    };
    refused(
        &client.patch(&location, None, broken()).await,
        400,
        "BLOB_UPLOAD_INVALID",
    );
    assert_eq!(client.get(&location).await.header("range"), "0-399");
    // The same in the closing request: nothing is finished.
    let digest = Digest::sha256(&[1; 800]);
    refused(
        &client.finish(&location, &digest, broken()).await,
        400,
        "BLOB_UPLOAD_INVALID",
    );
    assert_eq!(client.get(&location).await.header("range"), "0-799");
    assert_eq!(
        client.head(&format!("/v2/p/app/blobs/{digest}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        client.finish(&location, &digest, Body::empty()).await.status,
        StatusCode::CREATED
    );
}

#[sqlx::test]
async fn a_body_shorter_than_promised_finishes_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let digest = Digest::sha256(b"short");
    let location = client.begin("p/app").await;
    let promised = [("content-length", "10")];
    for (method, uri) in [
        (Method::PUT, format!("{location}?digest={digest}")),
        (Method::POST, format!("/v2/p/app/blobs/uploads/?digest={digest}")),
        (Method::PUT, "/v2/p/app/manifests/v1".to_owned()),
    ] {
        refused(
            &client.send(method, &uri, &promised, Body::from("short")).await,
            400,
            "SIZE_INVALID",
        );
    }
    assert_eq!(number(&app, "SELECT count(*) FROM blobs").await, 0);
    assert_eq!(
        client.finish(&location, &digest, Body::empty()).await.status,
        StatusCode::CREATED
    );
}

#[sqlx::test]
async fn a_database_that_is_gone_is_503(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::with_token(&app, &app.admin(), &["repository:p/app:pull,push"]).await;
    let location = client.begin("p/app").await;
    app.app.pool.close().await;
    for answer in [
        client.get("/v2/p/app/manifests/v1").await,
        client.patch(&location, None, "x").await,
        client
            .put("p/app", "v1", b"{}", "application/vnd.oci.image.index.v1+json")
            .await,
    ] {
        refused(&answer, 503, "UNAVAILABLE");
    }
}

#[sqlx::test]
async fn a_database_that_fails_behind_the_store_lets_the_client_repeat(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let run = async |sql: &'static str| sqlx::raw_sql(sql).execute(&app.app.pool).await.unwrap();
    run("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER fail BEFORE INSERT ON blobs FOR EACH ROW EXECUTE FUNCTION fail();").await;
    let location = client.begin("p/app").await;
    client.patch(&location, None, "content").await;
    let digest = Digest::sha256(b"content");
    refused(
        &client.finish(&location, &digest, Body::empty()).await,
        503,
        "UNAVAILABLE",
    );
    assert_eq!(
        client.head(&format!("/v2/p/app/blobs/{digest}")).await.status,
        StatusCode::NOT_FOUND
    );
    let abandoned = client.begin("p/app").await;
    refused(
        &client.finish(&abandoned, &digest, "content").await,
        503,
        "UNAVAILABLE",
    );
    run("DROP TRIGGER fail ON blobs").await;
    app.advance(TimeDelta::minutes(1));
    assert_eq!(
        client.finish(&location, &digest, Body::empty()).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{digest}")).await.body,
        "content"
    );
    // Nobody came back for the other: its expiry finds the object that no row names.
    assert_eq!(app.app.blobs.list(None, 10).await.unwrap().len(), 2);
    app.advance(TimeDelta::hours(25));
    assert_eq!(expire_uploads(&app.app, || false).await.unwrap().uploads, 1);
    assert_eq!(app.app.blobs.list(None, 10).await.unwrap().len(), 1);
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{digest}")).await.body,
        "content"
    );
}

#[sqlx::test]
async fn a_push_that_fails_in_its_transaction_leaves_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let first = client.image("p/app", "v1", "layer").await;
    sqlx::raw_sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER fail BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION fail();",
    )
    .execute(&app.app.pool)
    .await
    .unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&first.manifest).unwrap();
    document["x"] = 1.into();
    let answer = client
        .put(
            "p/app",
            "v1",
            document.to_string().as_bytes(),
            "application/vnd.oci.image.manifest.v1+json",
        )
        .await;
    refused(&answer, 500, "UNKNOWN");
    assert_eq!(json_of(&answer)["errors"][0]["message"], "internal server error");
    assert_eq!(client.get("/v2/p/app/manifests/v1").await.body, first.manifest);
    assert_eq!(number(&app, "SELECT count(*) FROM manifests").await, 1);
    super::garbage::assert_counts(&app).await;
}
