use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use sqlx::PgPool;

use super::support::{Client, refused};
use crate::config::LimitsConfig;
use crate::kernel::origin::Peer;
use crate::testing::{Answer, As, TestApp};

const MANIFEST: &str = "/v2/p/app/manifests/v1";

async fn limited(pool: PgPool, limits: LimitsConfig) -> TestApp {
    let app = TestApp::with_config(pool, |config| config.limits = limits).await;
    app.create_project("p", true).await;
    Client::admin(&app).image("p/app", "v1", "layer").await;
    app
}

#[track_caller]
fn too_many(answer: &Answer, at_most: u64) {
    refused(answer, 429, "TOOMANYREQUESTS");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=at_most).contains(&wait), "{wait}");
}

#[sqlx::test]
async fn p66_pulls_and_heads_are_limited_apart_for_each_account(pool: PgPool) {
    let limits = LimitsConfig {
        pulls: Some(3),
        heads: Some(2),
        tokens: None,
    };
    let app = limited(pool, limits).await;
    let (one, two) = (app.create_user("one").await, app.create_user("two").await);
    let client = Client::of(&app, &one);
    for _ in 0..3 {
        assert_eq!(client.get(MANIFEST).await.status, StatusCode::OK);
    }
    too_many(&client.get(MANIFEST).await, 20);
    // The same account by a token, and what it may not see.
    let token = Client::with_token(&app, &one, &["repository:p/app:pull"]).await;
    too_many(&token.get(MANIFEST).await, 20);
    too_many(&client.get("/v2/closed/app/manifests/v1").await, 20);

    let layer = {
        let manifest = Client::admin(&app).get(MANIFEST).await;
        manifest.json()["layers"][0]["digest"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let blob = format!("/v2/p/app/blobs/{layer}");
    assert_eq!(client.head(MANIFEST).await.status, StatusCode::OK);
    assert_eq!(client.head(&blob).await.status, StatusCode::OK);
    let answer = client.head(MANIFEST).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!answer.header("retry-after").is_empty());

    // What does not count goes on, and so does everybody else.
    for uri in [blob.as_str(), "/v2/p/app/tags/list", "/v2/"] {
        assert_eq!(client.get(uri).await.status, StatusCode::OK, "{uri}");
    }
    let other = Client::of(&app, &two);
    assert_eq!(other.get(MANIFEST).await.status, StatusCode::OK);
    assert_eq!(other.head(MANIFEST).await.status, StatusCode::OK);

    let metrics = app.get(&As::Nobody, "/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    for counted in ["pull", "head"] {
        let line = format!("slipway_requests_limited_total{{counted=\"{counted}\"}}");
        assert!(metrics.contains(&line), "{line}");
    }
}

#[sqlx::test]
async fn p66_tokens_are_limited_apart(pool: PgPool) {
    let limits = LimitsConfig {
        tokens: Some(2),
        ..LimitsConfig::default()
    };
    let app = limited(pool, limits).await;
    let (one, two) = (app.create_user("one").await, app.create_user("two").await);
    let uri = "/service/token?service=harbor-registry&scope=repository:p/app:pull";
    let mut last = None;
    for _ in 0..2 {
        last = Some(app.token(&one, &["repository:p/app:pull"]).await);
    }
    too_many(&app.get(&one, uri).await, 30);
    assert_eq!(app.get(&two, uri).await.status, StatusCode::OK);
    assert_eq!(app.get(&As::Nobody, uri).await.status, StatusCode::OK);
    let pulling = Client::of(&app, &last.unwrap());
    for _ in 0..10 {
        assert_eq!(pulling.get(MANIFEST).await.status, StatusCode::OK);
    }
}

#[sqlx::test]
async fn p66_without_an_account_the_address_counts(pool: PgPool) {
    let limits = LimitsConfig {
        pulls: Some(2),
        ..LimitsConfig::default()
    };
    let app = limited(pool, limits).await;
    let anonymous = app.token(&As::Nobody, &["repository:p/app:pull"]).await;
    let pull = async |who: &As, address: &str| {
        let address: IpAddr = address.parse().unwrap();
        let builder = Request::builder().method(Method::GET).uri(MANIFEST);
        let mut request = who.on(builder).body(Body::empty()).unwrap();
        request
            .extensions_mut()
            .insert(Peer(SocketAddr::new(address, 40_000)));
        app.request(request).await
    };
    for address in ["192.0.2.1", "2001:db8::1"] {
        for _ in 0..2 {
            assert_eq!(pull(&anonymous, address).await.status, StatusCode::OK);
        }
    }
    too_many(&pull(&anonymous, "192.0.2.1").await, 30);
    too_many(&pull(&anonymous, "2001:db8::ffff").await, 30);
    assert_eq!(pull(&anonymous, "192.0.2.2").await.status, StatusCode::OK);
    // An account at the same address has its own, and who is only told to log in uses nothing.
    let user = app.create_user("one").await;
    assert_eq!(pull(&user, "192.0.2.1").await.status, StatusCode::OK);
    for _ in 0..5 {
        refused(&pull(&As::Nobody, "192.0.2.3").await, 401, "UNAUTHORIZED");
    }
    assert_eq!(pull(&anonymous, "192.0.2.3").await.status, StatusCode::OK);
}

#[sqlx::test]
async fn p66_without_a_setting_nothing_is_limited(pool: PgPool) {
    let app = limited(pool, LimitsConfig::default()).await;
    let client = Client::with_token(&app, &app.admin(), &["repository:p/app:pull"]).await;
    for _ in 0..200 {
        assert_eq!(client.get(MANIFEST).await.status, StatusCode::OK);
    }
}
