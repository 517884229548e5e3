//! Projects that are proxy caches.

use axum::http::{Method, StatusCode};
use serde_json::json;
use slipway_simulator::Habits;
use sqlx::PgPool;

use super::super::support::{number, refused};
use super::{CACHED, Cache};
use crate::testing::TestApp;

const PROJECTS: &str = "/api/v2.0/projects";

#[sqlx::test]
async fn a_proxy_cache_is_made_by_administrators_and_begins_with_a_policy(pool: PgPool) {
    let metadata = json!({"proxy_speed_kb": "10", "max_upstream_conn": "-1", "proxy_referrer_api": "true"});
    let cache = Cache::with(pool, Habits::default(), "harbor", metadata).await;
    let app = &cache.app;
    let project = app.get(&app.admin(), &format!("{PROJECTS}/cache")).await.json();
    assert_eq!(project["registry_id"], 1, "{project}");
    assert_eq!(project["metadata"]["proxy_speed_kb"], "10");
    assert_eq!(project["metadata"]["retention_id"], "1", "{project}");
    let policy = app.get(&app.admin(), "/api/v2.0/retentions/1").await.json();
    assert_eq!(policy["trigger"]["settings"]["cron"], "0 0 0 * * *", "{policy}");
    assert_eq!(policy["rules"][0]["template"], "nDaysSinceLastPull");
    assert_eq!(policy["rules"][0]["params"]["nDaysSinceLastPull"], 7);

    let jane = app.create_user("jane").await;
    let body = json!({"project_name": "hers", "registry_id": 1});
    let refused = app.send_json(&jane, Method::POST, PROJECTS, &body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    for (body, part) in [
        (
            json!({"project_name": "x", "registry_id": 99}),
            "no such registry",
        ),
        (
            json!({"project_name": "x", "registry_id": 1, "metadata": {"max_upstream_conn": "0"}}),
            "max_upstream_conn",
        ),
        (
            json!({"project_name": "x", "registry_id": 1,
                "metadata": {"proxy_cache_filter_pattern": "(", "proxy_cache_filter_kind": "regex"}}),
            "proxy_cache_filter_pattern",
        ),
    ] {
        let refused = app.send_json(&app.admin(), Method::POST, PROJECTS, &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}: {refused:?}");
        assert!(
            String::from_utf8_lossy(&refused.body).contains(part),
            "{refused:?}"
        );
    }
    // The registry is needed as long as the project is there.
    let registry = "/api/v2.0/registries/1";
    let used = app.send(&app.admin(), Method::DELETE, registry).await;
    assert_eq!(used.status, StatusCode::PRECONDITION_FAILED, "{used:?}");
    let gone = app
        .send(&app.admin(), Method::DELETE, &format!("{PROJECTS}/cache"))
        .await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    let gone = app.send(&app.admin(), Method::DELETE, registry).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
}

#[sqlx::test]
async fn nobody_pushes_into_a_proxy_cache(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let client = cache.client();
    let begun = client.post(&format!("/v2/{CACHED}/blobs/uploads/")).await;
    let put = client.put(CACHED, "v1", b"{}", "application/json").await;
    for answer in [begun, put] {
        refused(&answer, 403, "DENIED");
        assert_eq!(
            answer.json()["errors"][0]["message"],
            "can not push artifact to a proxy project: cache"
        );
    }
}

#[sqlx::test]
async fn docker_hubs_short_names_lead_to_library(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let registry = json!({"name": "hub", "type": "docker-hub", "url": "https://hub.docker.com"});
    let made = app
        .send_json(&app.admin(), Method::POST, "/api/v2.0/registries", &registry)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let project = json!({"project_name": "hub", "registry_id": 1});
    let made = app
        .send_json(&app.admin(), Method::POST, PROJECTS, &project)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let digest = format!("sha256:{}", "a".repeat(64));
    for rest in [
        "manifests/latest".to_owned(),
        format!("blobs/{digest}"),
        "tags/list?n=5".to_owned(),
    ] {
        let answer = app.get(&app.admin(), &format!("/v2/hub/nginx/{rest}")).await;
        assert_eq!(answer.status, StatusCode::MOVED_PERMANENTLY, "{answer:?}");
        assert_eq!(answer.header("location"), format!("/v2/hub/library/nginx/{rest}"));
    }
}

#[sqlx::test]
async fn what_a_proxy_cache_is_told_bites_at_once_in_every_process(pool: PgPool) {
    let cache = Cache::new(pool).await;
    let replica = cache.app.replica().await;
    let uri = format!("/v2/{CACHED}/blobs/uploads/");
    let answer = replica.send(&replica.admin(), Method::POST, &uri).await;
    refused(&answer, 403, "DENIED");
    assert_eq!(number(&cache.app, "SELECT count(*) FROM uploads").await, 0);
    cache.set("proxy_cache_filter_pattern", "nothing").await;
    let list = format!("/v2/{CACHED}/tags/list");
    for _ in 0..500 {
        let answer = replica.get(&replica.admin(), &list).await;
        if answer.status == StatusCode::NOT_FOUND && answer.code() == "NAME_UNKNOWN" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the replica does not hear of it");
}
