//! A clock that jumps by hours, forward and back, as one does that was set wrong and is set right.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use bytes::Bytes;
use chrono::TimeDelta;
use futures::channel::mpsc;
use slipway_model::Digest;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::{Client, image_document, json_of, number, refused};
use crate::distribution::garbage::{abort_strays, collect_blobs, expire_uploads};
use crate::testing::{Answer, TestApp};

/// There and back; none reaches the 24 hours after which an idle upload is given up.
const JUMPS: [i64; 4] = [5, 23, -5, -23];

async fn registry(pool: PgPool) -> TestApp {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    app
}

async fn tidy(app: &TestApp) {
    expire_uploads(&app.app, || false).await.unwrap();
    abort_strays(&app.app, || false).await.unwrap();
    collect_blobs(&app.app, || false).await.unwrap();
}

#[sqlx::test]
async fn a_jump_loses_no_upload_between_its_requests(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    for hours in JUMPS {
        let jump = TimeDelta::hours(hours);
        let location = client.begin("p/app").await;
        assert_eq!(
            client.patch(&location, None, "one ").await.status,
            StatusCode::ACCEPTED
        );
        app.advance(jump);
        tidy(&app).await;
        let patched = client.patch(&location, None, "two ").await;
        assert_eq!(patched.status, StatusCode::ACCEPTED, "{hours}: {patched:?}");
        app.advance(-jump);
        tidy(&app).await;
        let digest = Digest::sha256(b"one two three");
        let done = client.finish(&location, &digest, "three").await;
        assert_eq!(done.status, StatusCode::CREATED, "{hours}: {done:?}");
    }
}

#[sqlx::test]
async fn a_jump_loses_no_upload_within_a_request(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    for hours in JUMPS {
        let location = client.begin("p/app").await;
        let (sender, receiver) = mpsc::unbounded::<Result<Bytes, std::io::Error>>();
        sender.unbounded_send(Ok(Bytes::from_static(b"before "))).unwrap();
        let patch = client.patch(&location, None, Body::from_stream(receiver));
        let jump = async {
            let held = "SELECT count(*) FROM uploads WHERE claimed_until IS NOT NULL";
            while number(&app, held).await == 0 {
                tokio::task::yield_now().await;
            }
            app.advance(TimeDelta::hours(hours));
            tidy(&app).await;
            sender.unbounded_send(Ok(Bytes::from_static(b"after"))).unwrap();
            drop(sender);
        };
        let (patched, ()) = tokio::join!(patch, jump);
        assert_eq!(patched.status, StatusCode::ACCEPTED, "{hours}: {patched:?}");
        let digest = Digest::sha256(b"before after");
        let done = client.finish(&location, &digest, Body::empty()).await;
        assert_eq!(done.status, StatusCode::CREATED, "{hours}: {done:?}");
    }
}

/// Its process died while the clock was ahead.
#[sqlx::test]
async fn an_upload_is_not_held_until_a_wrong_clocks_time_has_come(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    client.patch(&location, None, "kept ").await;
    app.advance(TimeDelta::hours(5));
    sqlx::query("UPDATE uploads SET claimed_until = $1, generation = generation + 1")
        .bind(app.app.clock.now() + TimeDelta::seconds(15))
        .execute(&app.app.pool)
        .await
        .unwrap();
    let busy = client.patch(&location, None, "x").await;
    refused(&busy, 409, "BLOB_UPLOAD_INVALID");
    app.advance(TimeDelta::hours(-5));
    let digest = Digest::sha256(b"kept and more");
    let done = client.finish(&location, &digest, "and more").await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
}

#[sqlx::test]
async fn a_jump_lets_no_living_blob_be_collected(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let kept = client.image("p/app", "v1", "referred to").await;
    for hours in JUMPS {
        let jump = TimeDelta::hours(hours);
        // Uploaded, mounted and asked for: a manifest follows each.
        let layer = client.blob("p/app", format!("layer {hours}").as_bytes()).await;
        let mounted = client
            .post(&format!("/v2/p/two/blobs/uploads/?mount={layer}&from=p/app"))
            .await;
        assert_eq!(mounted.status, StatusCode::CREATED);
        app.advance(jump);
        tidy(&app).await;
        let asked = client.head(&format!("/v2/p/app/blobs/{}", kept.layer)).await;
        assert_eq!(asked.status, StatusCode::OK, "{hours}");
        app.advance(-jump);
        tidy(&app).await;
        app.advance(jump);
        tidy(&app).await;
        for repository in ["p/app", "p/two"] {
            let config = client.blob(repository, b"{}").await;
            let size = format!("layer {hours}").len();
            let manifest = image_document(&config, 2, &layer, size).to_string().into_bytes();
            let tag = format!("t{}", hours.unsigned_abs());
            let put = client.put(repository, &tag, &manifest, OCI_MANIFEST).await;
            assert_eq!(put.status, StatusCode::CREATED, "{hours} {repository}: {put:?}");
            let blob = client.get(&format!("/v2/{repository}/blobs/{layer}")).await;
            assert_eq!(blob.body.len(), size, "{hours} {repository}");
        }
        app.advance(-jump);
        tidy(&app).await;
    }
    let whole = client.get("/v2/p/app/manifests/v1").await;
    assert_eq!(whole.body, kept.manifest);
    for digest in [&kept.config, &kept.layer] {
        let blob = client.get(&format!("/v2/p/app/blobs/{digest}")).await;
        assert_eq!(blob.status, StatusCode::OK);
    }
    // What nothing refers to any more does go, once the right clock says so.
    let objects = app.app.blobs.list(None, 100).await.unwrap().len();
    client
        .delete(&format!("/v2/p/app/manifests/{}", kept.digest))
        .await;
    app.advance(TimeDelta::days(3));
    tidy(&app).await;
    assert_eq!(app.app.blobs.list(None, 100).await.unwrap().len(), objects - 2);
}

/// Also where it is remembered, which the replica does.
#[sqlx::test]
async fn a_jump_leaves_no_token_good_for_longer(pool: PgPool) {
    let app = registry(pool).await;
    let replica = app.replica().await;
    Client::admin(&replica).image("p/app", "v1", "layer").await;
    let scope = ["repository:p/app:pull"];
    let status = async |client: &Client<'_>| client.get("/v2/p/app/manifests/v1").await.status;
    for server in [&app, &replica] {
        // Made now, and the clock is set back: it is of the future.
        let client = Client::with_token(server, &server.admin(), &scope).await;
        for _ in 0..2 {
            assert_eq!(status(&client).await, StatusCode::OK);
        }
        server.advance(TimeDelta::hours(-5));
        assert_eq!(status(&client).await, StatusCode::UNAUTHORIZED);
        let again = Client::with_token(server, &server.admin(), &scope).await;
        assert_eq!(status(&again).await, StatusCode::OK);
        server.advance(TimeDelta::hours(5));
        assert_eq!(status(&again).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(&client).await, StatusCode::OK);
        // It ends when it was to end.
        server.advance(TimeDelta::minutes(32));
        assert_eq!(status(&client).await, StatusCode::UNAUTHORIZED);
        // Forward, it is over at once; a new one is had for the asking.
        let client = Client::with_token(server, &server.admin(), &scope).await;
        assert_eq!(status(&client).await, StatusCode::OK);
        server.advance(TimeDelta::hours(23));
        assert_eq!(status(&client).await, StatusCode::UNAUTHORIZED);
        server.advance(TimeDelta::hours(-23));
    }
}

#[sqlx::test]
async fn a_refresh_token_of_a_wrong_clock_does_not_live_for_ever(pool: PgPool) {
    let app = registry(pool).await;
    let make = async || {
        let uri = "/service/token?service=harbor-registry&offline_token=true";
        let answer = app.get(&app.admin(), uri).await;
        json_of(&answer)["refresh_token"].as_str().unwrap().to_owned()
    };
    let redeem = async |token: &str| -> Answer {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        let request = Request::builder()
            .method(Method::POST)
            .uri("/service/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        app.request(request).await
    };
    // Hours do no harm, in either direction.
    let token = make().await;
    for hours in JUMPS {
        app.advance(TimeDelta::hours(hours));
        assert_eq!(redeem(&token).await.status, StatusCode::OK, "{hours}");
        app.advance(TimeDelta::hours(-hours));
        assert_eq!(redeem(&token).await.status, StatusCode::OK, "{hours}");
    }
    // A year ahead, and back.
    app.advance(TimeDelta::days(365));
    let token = make().await;
    app.advance(TimeDelta::days(-365));
    refused(&redeem(&token).await, 401, "UNAUTHORIZED");
}
