//! A small registry that counts, throttles and knows no lists.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use slipway_model::Digest;
use slipway_model::manifest::OCI_MANIFEST;

use super::*;

#[derive(Clone, Default)]
struct Shelf {
    /// By path below `/v2/`.
    content: Arc<HashMap<String, Vec<u8>>>,
    requests: Arc<AtomicUsize>,
    /// Each so many-th request is answered with 429.
    throttled: usize,
}

async fn answer(State(shelf): State<Shelf>, request: Request) -> Response {
    let place = shelf.requests.fetch_add(1, Ordering::SeqCst) + 1;
    if shelf.throttled > 0 && place.is_multiple_of(shelf.throttled) {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response();
    }
    let path = request.uri().path().trim_start_matches("/v2/").to_owned();
    if path.is_empty() {
        return StatusCode::OK.into_response();
    }
    let Some(bytes) = shelf.content.get(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match path.contains("/manifests/") {
        true => OCI_MANIFEST,
        false => "application/octet-stream",
    };
    let digest = Digest::sha256(bytes).to_string();
    let headers = [
        (header::CONTENT_TYPE.as_str(), kind.to_owned()),
        ("docker-content-digest", digest),
    ];
    (headers, bytes.clone()).into_response()
}

/// Serves `team/app` with these tags, as the registry 2.
async fn shelf(lab: &Lab, tags: &[&str], throttled: usize) -> Arc<AtomicUsize> {
    let mut content = HashMap::new();
    for tag in tags {
        let (config, layer) = (format!("{{\"c\":\"{tag}\"}}"), format!("layer {tag}"));
        let blob = |text: &str, kind: &str| json!({"mediaType": kind, "digest": Digest::sha256(text.as_bytes()), "size": text.len()});
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": blob(&config, "application/vnd.oci.image.config.v1+json"),
            "layers": [blob(&layer, "application/vnd.oci.image.layer.v1.tar")],
        })
        .to_string();
        for text in [config, layer] {
            let digest = Digest::sha256(text.as_bytes());
            content.insert(format!("team/app/blobs/{digest}"), text.into_bytes());
        }
        content.insert(
            format!("team/app/manifests/{}", Digest::sha256(manifest.as_bytes())),
            manifest.clone().into_bytes(),
        );
        content.insert(format!("team/app/manifests/{tag}"), manifest.into_bytes());
    }
    let list = json!({"name": "team/app", "tags": tags}).to_string();
    content.insert("team/app/tags/list".to_owned(), list.into_bytes());
    let shelf = Shelf {
        content: Arc::new(content),
        throttled,
        ..Shelf::default()
    };
    let requests = shelf.requests.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(shelf);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let body = json!({"name": "shelf", "type": "docker-registry", "url": url});
    lab.post("/api/v2.0/registries", &body).await;
    requests.store(0, Ordering::SeqCst);
    requests
}

fn from_shelf(filters: Value) -> Value {
    let mut policy = pulls("shelf", filters);
    policy["src_registry"] = json!({"id": 2});
    policy
}

/// Lesson 21: a filter that names its tag asks for nothing else.
#[sqlx::test(migrations = "./migrations")]
async fn a_literal_tag_costs_few_requests(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let tags: Vec<String> = (0..200).map(|n| format!("1.2.{n}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let requests = shelf(&lab, &tags, 0).await;
    let filters = json!([{"type": "name", "value": "team/app"}, {"type": "tag", "value": "1.2.3"}]);
    let policy = lab.post(POLICIES, &from_shelf(filters)).await;
    let run = lab.run(&policy).await;
    assert_eq!(run["status"], "Succeed", "{run} {}", lab.log(&run).await);
    assert_eq!(lab.tags("pulled/app").await.len(), 1);
    // The manifest, two blobs; referrers by API and by tag, and the signature's tag.
    let seen = requests.load(Ordering::SeqCst);
    assert!(seen <= 6, "{seen} requests");
}

/// Lesson 21: a registry that throttles slows a run down and does not fail it.
#[sqlx::test(migrations = "./migrations")]
async fn a_throttling_source_is_obeyed(pool: PgPool) {
    let lab = Lab::new(pool).await;
    shelf(&lab, &["a", "b"], 6).await;
    let policy = lab.post(POLICIES, &from_shelf(named("team/app"))).await;
    let run = lab.run(&policy).await;
    assert_eq!(run["status"], "Succeed", "{run} {}", lab.log(&run).await);
    assert_eq!(lab.tags("pulled/app").await.len(), 2);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_source_that_is_gone_fails_the_run_with_its_reason(pool: PgPool) {
    let lab = Lab::new(pool).await;
    let body = json!({"name": "down", "type": "docker-registry", "url": "http://169.254.1.1"});
    lab.post("/api/v2.0/registries", &body).await;
    let policy = lab.post(POLICIES, &from_shelf(named("team/*"))).await;
    let run = lab.run(&policy).await;
    assert_eq!(run["status"], "Failed");
    assert!(
        run["status_text"]
            .as_str()
            .unwrap()
            .contains("upstreams.allowed_networks"),
        "{run}"
    );
}
