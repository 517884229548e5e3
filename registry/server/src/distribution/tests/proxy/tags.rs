//! What tags mean, while the upstream says it and while it does not.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::json;
use slipway_model::manifest::OCI_MANIFEST;
use slipway_simulator::{Auth, Fault, Habits};
use sqlx::PgPool;

use super::super::support::{Client, number, refused};
use super::{CACHED, Cache, served};

#[sqlx::test]
async fn an_image_is_recorded_as_if_it_had_been_pushed(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    assert_eq!(cache.blob(&image.config).await.status, StatusCode::OK);
    assert_eq!(cache.blob(&image.layer).await.body, &b"a layer"[..]);
    let artifact = format!(
        "/api/v2.0/projects/cache/repositories/team%252Fapp/artifacts/{}",
        image.manifest
    );
    let artifact = cache.app.get(&cache.app.admin(), &artifact).await.json();
    assert_eq!(artifact["type"], "IMAGE", "{artifact}");
    assert_eq!(artifact["extra_attrs"]["architecture"], "arm64", "{artifact}");
    assert_eq!(artifact["tags"][0]["name"], "v1");
    let told = "SELECT count(*) FROM events WHERE kind = 'artifact.pushed'";
    assert_eq!(number(&cache.app, told).await, 1);
    // Once it is cached, its digest asks nobody.
    let before = cache.requests();
    cache.later();
    served(
        &cache.manifest(image.manifest.as_str()).await,
        &image.manifest,
        &[],
    );
    assert_eq!(cache.blob(&image.layer).await.status, StatusCode::OK);
    assert_eq!(cache.requests(), before);
    // A tag that moves is followed, and nobody is told twice of what is known.
    let second = cache.image("v1", b"another layer");
    served(&cache.manifest("v1").await, &second.manifest, &[]);
    cache.later();
    let first = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &first.manifest, &[]);
    assert_eq!(number(&cache.app, told).await, 2);
}

#[sqlx::test]
async fn a_head_fetches_nothing_and_its_tag_is_set_with_the_manifest(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    let client = cache.client();
    let head = client.head(&format!("/v2/{CACHED}/manifests/v1")).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("docker-content-digest"), image.manifest.as_str());
    assert_eq!(head.header("content-type"), OCI_MANIFEST);
    assert_ne!(head.header("content-length"), "0");
    let by_digest = client
        .head(&format!("/v2/{CACHED}/manifests/{}", image.manifest))
        .await;
    assert_eq!(by_digest.status, StatusCode::OK);
    assert_eq!(number(&cache.app, "SELECT count(*) FROM manifests").await, 0);
    assert_eq!(cache.asked("GET", "manifests"), 0);
    served(
        &cache.manifest(image.manifest.as_str()).await,
        &image.manifest,
        &[],
    );
    assert_eq!(
        number(&cache.app, "SELECT count(*) FROM tags WHERE name = 'v1'").await,
        1
    );
    let blob = client.head(&format!("/v2/{CACHED}/blobs/{}", image.layer)).await;
    assert_eq!(
        (blob.status, blob.header("content-length")),
        (StatusCode::OK, "7")
    );
    assert_eq!(cache.asked("GET", "blobs"), 0);
}

#[sqlx::test]
async fn h32_p34_trouble_upstream_never_takes_away_what_is_cached(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    let status = |status: u16| Fault::Status(status, vec![]);
    let troubles = [
        (status(500), 502),
        (status(429), 429),
        (status(404), 404),
        (status(403), 404),
        (status(401), 404),
        (Fault::NoAnswer, 502),
        (Fault::Status(200, vec![]), 502),
    ];
    for (trouble, code) in troubles {
        cache.later();
        for method in ["HEAD", "GET"] {
            cache.upstream.fault(2, method, "/manifests/v1", trouble.clone());
        }
        served(&cache.manifest("v1").await, &image.manifest, &["111", "299"]);
        // For some seconds nobody asks again.
        let before = cache.requests();
        served(&cache.manifest("v1").await, &image.manifest, &["111", "299"]);
        assert_eq!(cache.requests(), before);
        for method in ["HEAD", "GET"] {
            cache
                .upstream
                .fault(2, method, "/manifests/none", trouble.clone());
        }
        let refused = cache.manifest("none").await;
        assert_eq!(refused.status.as_u16(), code, "{trouble:?}: {refused:?}");
        assert_eq!(
            refused.headers.contains_key("retry-after"),
            code != 404,
            "{refused:?}"
        );
        let text = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(!text.contains("127.0.0.1"), "{text}");
        cache.upstream.clear_faults();
    }
    cache.later();
    served(&cache.manifest("v1").await, &image.manifest, &[]);
}

#[sqlx::test]
async fn h33_a_slow_upstream_costs_two_seconds_once(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    cache.later();
    cache
        .upstream
        .fault(99, "HEAD", "/manifests/v1", Fault::Slow(Duration::from_secs(30)));
    let before = cache.asked("HEAD", "/manifests/v1");
    let start = Instant::now();
    for answer in join_all((0..100).map(|_| cache.manifest("v1"))).await {
        served(&answer, &image.manifest, &["110", "299"]);
    }
    for _ in 0..20 {
        served(&cache.manifest("v1").await, &image.manifest, &["110", "299"]);
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(cache.asked("HEAD", "/manifests/v1") - before, 1);
}

#[sqlx::test]
async fn h33_a_new_manifest_that_does_not_come_takes_nothing_away(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    let second = cache.image("v1", b"another layer");
    cache.later();
    let slow = Fault::Slow(Duration::from_secs(4));
    cache.upstream.fault(1, "GET", second.manifest.as_str(), slow);
    let start = Instant::now();
    for answer in join_all((0..20).map(|_| cache.manifest("v1"))).await {
        served(&answer, &image.manifest, &["110", "299"]);
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    // It came after all.
    while cache.manifest("v1").await.header("docker-content-digest") != second.manifest.as_str() {
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(cache.asked("GET", second.manifest.as_str()), 1);
}

#[sqlx::test]
async fn h34_what_the_upstream_removes_stays_unless_the_project_follows(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    cache.upstream.content().manifests.clear();
    cache.later();
    served(&cache.manifest("v1").await, &image.manifest, &["111", "299"]);
    cache.set("proxy_cache_local_on_not_found", "false").await;
    refused(&cache.manifest("v1").await, 404, "MANIFEST_UNKNOWN");
    served(
        &cache.manifest(image.manifest.as_str()).await,
        &image.manifest,
        &[],
    );
    assert_eq!(number(&cache.app, "SELECT count(*) FROM manifests").await, 1);
    cache.set("proxy_cache_local_on_not_found", "true").await;
    served(&cache.manifest("v1").await, &image.manifest, &["111", "299"]);
}

#[sqlx::test]
async fn h37_many_pulls_are_few_questions(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    let all = join_all((0..100).map(|_| cache.manifest("v1"))).await;
    all.iter().for_each(|answer| served(answer, &image.manifest, &[]));
    for _ in 0..200 {
        served(&cache.manifest("v1").await, &image.manifest, &[]);
    }
    assert_eq!(cache.requests(), 1, "{:?}", cache.upstream.seen());
    cache.later();
    let all = join_all((0..100).map(|_| cache.manifest("v1"))).await;
    all.iter().for_each(|answer| served(answer, &image.manifest, &[]));
    assert_eq!(cache.requests(), 2);
    // Another process does not ask what this one knows.
    let replica = cache.replica().await;
    replica.advance(chrono::TimeDelta::seconds(61));
    let answer = Client::admin(&replica)
        .get(&format!("/v2/{CACHED}/manifests/v1"))
        .await;
    served(&answer, &image.manifest, &[]);
    assert_eq!(cache.requests(), 2);
    // Without a time to live each pull asks.
    cache.set("proxy_cache_tag_ttl", "0").await;
    for more in 1..4 {
        served(&cache.manifest("v1").await, &image.manifest, &[]);
        assert_eq!(cache.requests(), 2 + more);
    }
}

#[sqlx::test]
async fn h38_refused_credentials_are_not_tried_again_and_again(pool: PgPool) {
    let habits = Habits {
        auth: Auth::tokens(),
        ..Habits::default()
    };
    let cache = Cache::with(pool, habits, "docker-registry", json!({})).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    cache.upstream.tokens().revoke_all();
    for method in ["GET", "POST"] {
        cache
            .upstream
            .fault(999, method, "/token", Fault::Status(401, vec![]));
    }
    let logins = || cache.asked("GET", "/token") + cache.asked("POST", "/token");
    let before = logins();
    for _ in 0..100 {
        cache.later();
        served(&cache.manifest("v1").await, &image.manifest, &["111", "299"]);
        refused(&cache.manifest("none").await, 404, "MANIFEST_UNKNOWN");
    }
    assert!(logins() - before <= 5, "{}", logins() - before);
}

#[sqlx::test]
async fn an_immutable_tag_stays_where_it_is(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"a layer");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    let rule = json!({"template": "immutable_template", "action": "immutable",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]}});
    let uri = "/api/v2.0/projects/cache/immutabletagrules";
    let made = cache
        .app
        .send_json(&cache.app.admin(), axum::http::Method::POST, uri, &rule)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    cache.image("v1", b"another layer");
    cache.later();
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    let before = cache.requests();
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    assert_eq!(cache.requests(), before);
}

#[sqlx::test]
async fn an_index_is_kept_whole_and_its_children_come_when_asked_for(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let (one, two) = (cache.image("one", b"1"), cache.image("two", b"2"));
    let index = cache.index("multi", &[&one, &two]);
    served(&cache.manifest("multi").await, &index, &[]);
    assert_eq!(cache.asked("GET", "manifests"), 1);
    served(&cache.manifest(two.manifest.as_str()).await, &two.manifest, &[]);
    assert_eq!(cache.asked("GET", "manifests"), 2);
    cache.upstream.content().manifests.clear();
    served(&cache.manifest(index.as_str()).await, &index, &[]);
    refused(
        &cache.manifest(one.manifest.as_str()).await,
        404,
        "MANIFEST_UNKNOWN",
    );
    assert_eq!(number(&cache.app, "SELECT count(*) FROM manifests").await, 2);
}
