//! Tags and referrers, from here and from there.

use axum::http::StatusCode;
use serde_json::{Value, json};
use slipway_model::manifest::OCI_MANIFEST;
use slipway_simulator::Fault;
use sqlx::PgPool;

use super::super::support::refused;
use super::{CACHED, Cache, UPSTREAM, served};

async fn tags(cache: &Cache, query: &str) -> (Value, String) {
    let answer = cache
        .client()
        .get(&format!("/v2/{CACHED}/tags/list{query}"))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    (answer.json()["tags"].clone(), answer.header("link").to_owned())
}

#[sqlx::test]
async fn tags_are_the_union_in_order_page_by_page(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let none = cache.client().get("/v2/cache/team/none/tags/list").await;
    assert_eq!(none.json()["tags"], json!([]), "{none:?}");
    for tag in ["b", "d"] {
        cache.image(tag, b"1");
        cache.manifest(tag).await;
    }
    cache
        .upstream
        .content()
        .manifests
        .retain(|(_, tag), _| tag != "d");
    for tag in ["a", "c", "e"] {
        cache.image(tag, b"1");
    }
    cache.later();
    assert_eq!(tags(&cache, "").await.0, json!(["a", "b", "c", "d", "e"]));
    let (first, link) = tags(&cache, "?n=2").await;
    assert_eq!(first, json!(["a", "b"]));
    assert!(link.contains("last=b"), "{link}");
    assert_eq!(tags(&cache, "?n=2&last=b").await.0, json!(["c", "d"]));
    let (last, link) = tags(&cache, "?n=2&last=d").await;
    assert_eq!((last, link), (json!(["e"]), String::new()));
    // Without the upstream: what is here.
    cache.later();
    cache
        .upstream
        .fault(9, "GET", "/tags/list", Fault::Status(500, vec![]));
    assert_eq!(tags(&cache, "").await.0, json!(["b", "d"]));
    let other = cache.client().get("/v2/cache/team/other/tags/list").await;
    assert_eq!(other.status, StatusCode::BAD_GATEWAY);
}

#[sqlx::test]
async fn referrers_come_along_where_the_project_says_so(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"1");
    served(&cache.manifest("v1").await, &image.manifest, &[]);
    let signature = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.sig",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
        "layers": [], "subject": {"mediaType": OCI_MANIFEST, "digest": image.manifest, "size": 300}});
    let digest = cache
        .upstream
        .put_manifest(UPSTREAM, "sig", OCI_MANIFEST, signature.to_string());
    let uri = format!("/v2/{CACHED}/referrers/{}", image.manifest);
    let list = async || cache.client().get(&uri).await.json()["manifests"].clone();
    assert_eq!(list().await, json!([]));
    cache.set("proxy_referrer_api", "true").await;
    let there = list().await;
    assert_eq!(there[0]["digest"], digest.as_str(), "{there}");
    served(&cache.manifest(digest.as_str()).await, &digest, &[]);
    let both = list().await;
    assert_eq!(both.as_array().map(Vec::len), Some(1), "{both}");
    let filtered = cache.client().get(&format!("{uri}?artifactType=other")).await;
    assert_eq!(filtered.json()["manifests"], json!([]));
    cache.later();
    cache.upstream.fault(9, "GET", "/referrers/", Fault::NoAnswer);
    assert_eq!(list().await[0]["digest"], digest.as_str());
}

#[sqlx::test]
async fn what_the_filter_does_not_name_is_not_passed_on(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let image = cache.image("v1", b"1");
    cache.set("proxy_cache_filter_pattern", "team/b*").await;
    refused(&cache.manifest("v1").await, 404, "NAME_UNKNOWN");
    assert_eq!(cache.requests(), 0);
    cache.set("proxy_cache_filter_pattern", "team/a*").await;
    served(&cache.manifest("v1").await, &image.manifest, &[]);
}
