//! Several processes that remember what they read: never an answer from the past.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use futures::future::join_all;
use serde_json::json;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::Client;
use crate::testing::{As, TestApp};

/// A second is promised to the other replicas; a machine that is busy with other tests gets some more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks until the answer is as it must be.
async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "{what}: not soon");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn variant(n: usize) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "annotations": {"n": n.to_string()},
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}})
    .to_string()
    .into_bytes()
}

#[sqlx::test]
async fn what_was_acknowledged_is_what_every_later_read_sees(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let (one, two) = (app.replica().await, app.replica().await);
    let (here, there) = (Client::admin(&one), Client::admin(&two));
    here.blob("p/app", b"{}").await;
    let tag = "/v2/p/app/manifests/latest";
    for n in 0..60 {
        let pushed = here.put("p/app", "latest", &variant(n), OCI_MANIFEST).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
        let reads = join_all((0..4).map(|_| here.get(tag))).await;
        for read in reads {
            assert_eq!(read.body, variant(n), "on the replica that acknowledged push {n}");
        }
        let digest = pushed.header("docker-content-digest").to_owned();
        assert_eq!(here.head(tag).await.header("docker-content-digest"), digest);
        soon("the other replica", async || {
            there.get(tag).await.body == variant(n)
        })
        .await;
    }
    // By digest, by tag, and the blob's link: gone where they were removed, at once.
    let digest = here.head(tag).await.header("docker-content-digest").to_owned();
    let by_digest = format!("/v2/p/app/manifests/{digest}");
    assert_eq!(here.get(&by_digest).await.status, StatusCode::OK);
    assert_eq!(there.get(&by_digest).await.status, StatusCode::OK);
    assert_eq!(here.delete(&by_digest).await.status, StatusCode::ACCEPTED);
    for gone in [tag, &by_digest] {
        assert_eq!(here.get(gone).await.status, StatusCode::NOT_FOUND);
        soon("the removal", async || {
            there.get(gone).await.status == StatusCode::NOT_FOUND
        })
        .await;
    }
}

#[sqlx::test]
async fn what_is_remembered_costs_no_query(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let replica = app.replica().await;
    let image = Client::admin(&replica).image("p/app", "v1", "layer").await;
    let robot = app.create_robot((2, "p"), "ci", &[("repository", "pull")]).await;
    let client = Client::with_token(&replica, &robot, &["repository:p/app:pull"]).await;
    let paths = [
        "/v2/p/app/manifests/v1".to_owned(),
        format!("/v2/p/app/manifests/{}", image.digest),
        format!("/v2/p/app/blobs/{}", image.layer),
    ];
    for path in &paths {
        assert_eq!(client.get(path).await.status, StatusCode::OK);
    }
    // No connection is left for requests; the one that listens is another.
    app.app.pool.close().await;
    for path in &paths {
        assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(
        client.get("/v2/p/app/manifests/v2").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[sqlx::test]
async fn rights_that_end_end_everywhere(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("p", false).await;
    let (one, two) = (app.replica().await, app.replica().await);
    Client::admin(&one).image("p/app", "v1", "layer").await;
    let path = "/v2/p/app/manifests/v1";
    let person = app.create_user("guest").await;
    app.add_member(id, "guest", 3).await;
    let robot = app.create_robot((id, "p"), "ci", &[("repository", "pull")]).await;
    let scopes = ["repository:p/app:pull"];
    let person = Client::with_token(&two, &person, &scopes).await;
    let robot = Client::with_token(&two, &robot, &scopes).await;
    for client in [&person, &robot] {
        assert_eq!(client.get(path).await.status, StatusCode::OK);
    }
    let admin = app.admin();
    let nobody = Client::of(&two, &As::Nobody);
    let public = json!({"metadata": {"public": "true"}});
    assert_eq!(
        one.send_json(&admin, Method::PUT, "/api/v2.0/projects/p", &public)
            .await
            .status,
        200
    );
    // Tokens say only what could be done when they were made.
    let anonymous = Client::with_token(&two, &As::Nobody, &scopes).await;
    assert_eq!(anonymous.get(path).await.status, StatusCode::OK);
    let closed = json!({"metadata": {"public": "false"}});
    assert_eq!(
        one.send_json(&admin, Method::PUT, "/api/v2.0/projects/p", &closed)
            .await
            .status,
        200
    );
    soon("closed now", async || {
        anonymous.get(path).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    assert_eq!(nobody.get(path).await.status, StatusCode::UNAUTHORIZED);

    let members = one.get(&admin, "/api/v2.0/projects/p/members").await.json();
    let member = members
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["entity_name"] == "guest")
        .unwrap();
    let uri = format!("/api/v2.0/projects/p/members/{}", member["id"]);
    assert_eq!(
        one.send(&admin, Method::DELETE, &uri).await.status,
        StatusCode::OK
    );
    soon("no member any more", async || {
        person.get(path).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    let uri = "/api/v2.0/robots/1";
    let mut changed = one.get(&admin, uri).await.json();
    changed["disable"] = json!(true);
    assert_eq!(
        one.send_json(&admin, Method::PUT, uri, &changed).await.status,
        StatusCode::OK
    );
    soon("disabled", async || {
        robot.get(path).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
}

/// An account that expires tells no table.
#[sqlx::test]
async fn a_robot_expires_although_it_is_remembered(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let id = app.create_project("p", false).await;
    let replica = app.replica().await;
    Client::admin(&replica).image("p/app", "v1", "layer").await;
    let robot = app.create_robot((id, "p"), "ci", &[("repository", "pull")]).await;
    sqlx::query("UPDATE robots SET expires_at = $1")
        .bind(replica.app.clock.now() + chrono::TimeDelta::minutes(5))
        .execute(&app.app.pool)
        .await
        .unwrap();
    let client = Client::with_token(&replica, &robot, &["repository:p/app:pull"]).await;
    assert_eq!(client.get("/v2/p/app/manifests/v1").await.status, StatusCode::OK);
    replica.advance(chrono::TimeDelta::minutes(6));
    assert_eq!(
        client.get("/v2/p/app/manifests/v1").await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// The listening connection is cut again and again while others write: no read is older than a second.
#[sqlx::test]
async fn a_broken_listening_connection_serves_nothing_old(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let (one, two) = (app.replica().await, app.replica().await);
    let (here, there) = (Client::admin(&one), Client::admin(&two));
    here.blob("p/app", b"{}").await;
    let tag = "/v2/p/app/manifests/latest";
    for n in 0..12 {
        assert_eq!(
            here.put("p/app", "latest", &variant(n), OCI_MANIFEST)
                .await
                .status,
            201
        );
        assert_eq!(here.get(tag).await.body, variant(n));
        soon("the other replica", async || {
            there.get(tag).await.body == variant(n)
        })
        .await;
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE '%pg_listening_channels%' AND pid <> pg_backend_pid()",
        )
        .execute(&app.app.pool)
        .await
        .unwrap();
    }
}
