//! Blobs while they arrive.

use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use http_body_util::BodyExt;
use slipway_simulator::Fault;
use sqlx::PgPool;

use super::super::support::{Client, number, used};
use super::{CACHED, Cache, UPSTREAM, noise, request, served};

#[sqlx::test]
async fn h36_many_clients_one_download(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let bytes = noise(20 << 20);
    let digest = cache.upstream.put_blob(UPSTREAM, bytes.clone());
    // It stands still in the middle: late clients read what fell out of memory from the store.
    let pause = Duration::from_secs(2);
    cache
        .upstream
        .fault(1, "GET", "/blobs/", Fault::Stall(15 << 20, pause));
    let uri = format!("/v2/{CACHED}/blobs/{digest}");
    let replica = cache.replica().await;
    let there = Client::admin(&replica);
    let client = cache.client();
    let early = join_all((0..16).map(|_| client.get(&uri)));
    let late = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        join_all((0..8).map(|_| client.get(&uri))).await
    };
    let elsewhere = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        join_all((0..8).map(|_| there.get(&uri))).await
    };
    let (early, late, elsewhere) = tokio::join!(early, late, elsewhere);
    for answer in early.iter().chain(&late).chain(&elsewhere) {
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-length"), (20 << 20).to_string());
        assert!(answer.body == bytes);
    }
    assert_eq!(cache.asked("GET", "/blobs/"), 1);
    assert_eq!(
        number(&cache.app, "SELECT count(*) FROM proxy_downloads").await,
        0
    );
    assert_eq!(number(&cache.app, "SELECT count(*) FROM uploads").await, 0);
    assert_eq!(used(&cache.app, 2).await, 20 << 20);
}

#[sqlx::test]
async fn clients_are_served_while_it_arrives_and_one_that_vanishes_stops_nobody(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let bytes = noise(3 << 20);
    let digest = cache.upstream.put_blob(UPSTREAM, bytes.clone());
    cache
        .upstream
        .fault(1, "GET", "/blobs/", Fault::Stall(2 << 20, Duration::from_secs(3)));
    let uri = format!("/v2/{CACHED}/blobs/{digest}");
    let first = cache.app.respond(request(&cache, &uri)).await;
    assert_eq!(first.status(), StatusCode::OK);
    let mut stream = first.into_body().into_data_stream();
    let mut got = 0;
    while got < 1 << 20 {
        got += stream.next().await.unwrap().unwrap().len();
    }
    assert_eq!(
        number(&cache.app, "SELECT count(*) FROM blobs").await,
        0,
        "it is still arriving"
    );
    let client = cache.client();
    let range = client.send(
        axum::http::Method::GET,
        &uri,
        &[("range", "bytes=2500000-2500009")],
        axum::body::Body::empty(),
    );
    drop(stream);
    let part = range.await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{part:?}");
    assert_eq!(part.body, bytes[2_500_000..2_500_010]);
    assert_eq!(
        part.header("content-range"),
        format!("bytes 2500000-2500009/{}", 3 << 20)
    );
    assert!(cache.blob(&digest).await.body == bytes);
    assert_eq!(cache.asked("GET", "/blobs/"), 1);
}

#[sqlx::test]
async fn p35_h39_a_blob_that_does_not_come_whole_is_not_kept(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let bytes = noise(5 << 20);
    let digest = cache.upstream.put_blob(UPSTREAM, bytes.clone());
    let uri = format!("/v2/{CACHED}/blobs/{digest}");
    let other = Bytes::from(noise((5 << 20) + 8)).slice(8..);
    // A connection that breaks is taken up again, so nothing may come after that.
    for (first, then) in [
        (Fault::Cut(1 << 20), Fault::NoAnswer),
        (Fault::Lie(other.clone()), Fault::Lie(other)),
    ] {
        cache.upstream.fault(1, "GET", "/blobs/", first.clone());
        cache.upstream.fault(99, "GET", "/blobs/", then);
        let answer = cache.app.respond(request(&cache, &uri)).await;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        assert!(
            status != StatusCode::OK || body.is_err(),
            "{first:?}: a whole answer of a broken blob"
        );
        assert_eq!(number(&cache.app, "SELECT count(*) FROM blobs").await, 0);
        assert_eq!(number(&cache.app, "SELECT count(*) FROM uploads").await, 0);
        assert_eq!(
            number(&cache.app, "SELECT count(*) FROM proxy_downloads").await,
            0
        );
        cache.upstream.clear_faults();
    }
    let whole = cache.blob(&digest).await;
    assert!(whole.status == StatusCode::OK && whole.body == bytes);
}

#[sqlx::test]
async fn h39_a_lost_blob_is_fetched_again(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    assert_eq!(cache.blob(&image.layer).await.body, &b"a layer"[..]);
    for listed in cache.app.app.blobs.list(None, 10).await.unwrap() {
        cache.app.app.blobs.delete(&listed.key).await.unwrap();
    }
    for _ in 0..2 {
        let answer = cache.blob(&image.layer).await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (StatusCode::OK, &b"a layer"[..])
        );
    }
    assert_eq!(cache.asked("GET", image.layer.as_str()), 2);
    assert_eq!(cache.app.app.blobs.list(None, 10).await.unwrap().len(), 1);
}

#[sqlx::test]
async fn what_another_repository_has_is_asked_for_and_not_downloaded(pool: PgPool) {
    let cache = Cache::new(pool).await;
    cache.app.create_project("own", false).await;
    let digest = cache.client().blob("own/app", b"a layer").await;
    let uri = format!("/v2/{CACHED}/blobs/{digest}");
    assert_eq!(cache.client().get(&uri).await.status, StatusCode::NOT_FOUND);
    cache.upstream.put_blob(UPSTREAM, &b"a layer"[..]);
    let answer = cache.client().get(&uri).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"a layer"[..])
    );
    assert_eq!(
        cache.upstream.asked("GET", digest.as_str()).len(),
        1,
        "only the one that was not there"
    );
}

#[sqlx::test]
async fn a_full_quota_serves_and_keeps_nothing(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", &noise(100_000));
    sqlx::query("UPDATE projects SET storage_limit = 10 WHERE name = 'cache'")
        .execute(&cache.app.app.pool)
        .await
        .unwrap();
    for _ in 0..2 {
        served(&cache.manifest("v1").await, &image.manifest, &["299"]);
        let blob = cache.blob(&image.layer).await;
        assert!(blob.status == StatusCode::OK && blob.body == noise(100_000));
        assert!(blob.header("warning").starts_with("299"), "{:?}", blob.headers);
    }
    assert_eq!(used(&cache.app, 2).await, 0);
    assert_eq!(number(&cache.app, "SELECT count(*) FROM manifests").await, 0);
}

#[sqlx::test]
async fn no_more_connections_than_allowed(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let (one, two) = (
        cache.upstream.put_blob(UPSTREAM, noise(1000)),
        cache.upstream.put_blob(UPSTREAM, noise(1001)),
    );
    cache.set("max_upstream_conn", "1").await;
    cache
        .upstream
        .fault(1, "GET", one.as_str(), Fault::Stall(10, Duration::from_secs(2)));
    let second = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cache.blob(&two).await
    };
    let (first, second) = tokio::join!(cache.blob(&one), second);
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(second.status, StatusCode::TOO_MANY_REQUESTS, "{second:?}");
    assert_eq!(cache.blob(&two).await.status, StatusCode::OK);
}
