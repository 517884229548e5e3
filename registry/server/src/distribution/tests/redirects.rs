//! Blobs from the object store itself: who is sent there, and who is not.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use slipway_blobs::S3Store;
use slipway_blobs::s3::{Credentials, KeyPair, RedirectConfig, S3Config};
use slipway_s3_server::{Options, Server};
use sqlx::PgPool;

use super::support::{Client, refused};
use crate::config::Config;
use crate::testing::TestApp;

async fn store(server: &Server) -> Arc<S3Store> {
    let pair = KeyPair {
        access_key_id: server.options().access_key_id.clone(),
        secret_access_key: server.options().secret_access_key.clone(),
        session_token: None,
    };
    let mut config = S3Config::new("slipway");
    config.endpoint = Some(server.endpoint().parse().unwrap());
    config.path_style = true;
    config.credentials = Credentials::Keys(Arc::new(move || Ok(pair.clone())));
    config.redirect = Some(RedirectConfig { endpoint: None });
    Arc::new(S3Store::new(config).await.unwrap())
}

fn settings(redirect: &str) -> impl FnOnce(&mut Config) {
    let text = format!("storage: {{s3: {{bucket: slipway, redirect: {redirect}}}}}");
    move |config: &mut Config| {
        let from_file = Config::from_parts(Some(("f".into(), text)), []).unwrap();
        config.storage = from_file.storage;
    }
}

#[sqlx::test]
async fn p27_head_is_answered_from_the_database_and_get_redirects(pool: PgPool) {
    let server = Server::start(Options::default()).await.unwrap();
    let app = TestApp::with_blobs(pool, store(&server).await, settings("{enabled: true}")).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let digest = client.blob("p/app", b"some bytes").await;
    let uri = format!("/v2/p/app/blobs/{digest}");
    let head = client.head(&uri).await;
    assert_eq!(
        (
            head.status,
            head.header("content-length"),
            head.header("location")
        ),
        (StatusCode::OK, "10", "")
    );
    let get = client.get(&uri).await;
    assert_eq!(get.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(get.header("docker-content-digest"), digest.as_str());
    assert_eq!(get.header("cache-control"), "no-store");
    let location = get.header("location").to_owned();
    assert!(location.starts_with(&server.endpoint()));
    let expires: u64 = location
        .split('&')
        .find_map(|pair| pair.strip_prefix("X-Amz-Expires="))
        .and_then(|text| text.parse().ok())
        .unwrap();
    assert!(expires >= 1200, "{location}");
    // What the client does then, without our credentials, and once more for a part.
    rustls::crypto::ring::default_provider().install_default().ok();
    let http = reqwest::Client::builder().build().unwrap();
    let whole = http.get(&location).send().await.unwrap();
    assert_eq!(whole.headers()["content-type"], "application/octet-stream");
    assert_eq!(whole.bytes().await.unwrap(), "some bytes");
    let part = http
        .get(&location)
        .header("range", "bytes=5-9")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (part.status().as_u16(), part.text().await.unwrap().as_str()),
        (206, "bytes")
    );
    let known = client
        .send(
            Method::GET,
            &uri,
            &[("if-none-match", &format!("\"{digest}\""))],
            Body::empty(),
        )
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    // Nobody is sent to what he may not see.
    app.create_project("q", false).await;
    refused(
        &client.get(&format!("/v2/q/app/blobs/{digest}")).await,
        404,
        "NAME_UNKNOWN",
    );
}

#[sqlx::test]
async fn p28_without_redirects_the_bytes_come_from_here(pool: PgPool) {
    let server = Server::start(Options::default()).await.unwrap();
    let app = TestApp::with_blobs(pool, store(&server).await, settings("{enabled: false}")).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let digest = client.blob("p/app", b"some bytes").await;
    let uri = format!("/v2/p/app/blobs/{digest}");
    let get = client.get(&uri).await;
    assert_eq!((get.status, &get.body[..]), (StatusCode::OK, &b"some bytes"[..]));
    let part = client
        .send(Method::GET, &uri, &[("range", "bytes=5-")], Body::empty())
        .await;
    assert_eq!(
        (part.status, &part.body[..]),
        (StatusCode::PARTIAL_CONTENT, &b"bytes"[..])
    );
    assert_eq!(part.header("content-range"), "bytes 5-9/10");
    let behind = client
        .send(Method::GET, &uri, &[("range", "bytes=10-")], Body::empty())
        .await;
    assert_eq!(behind.header("content-range"), "bytes */10");
}

/// The test's requests come from no address, so nobody is in the network.
#[sqlx::test]
async fn h64_only_clients_of_given_networks_are_redirected(pool: PgPool) {
    let server = Server::start(Options::default()).await.unwrap();
    let networks = settings("{enabled: true, networks: [10.0.0.0/8]}");
    let app = TestApp::with_blobs(pool, store(&server).await, networks).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let digest = client.blob("p/app", b"some bytes").await;
    assert_eq!(
        client.get(&format!("/v2/p/app/blobs/{digest}")).await.status,
        StatusCode::OK
    );
    for (address, expected) in [("10.1.2.3", true), ("11.1.2.3", false), ("::ffff:10.1.2.3", true)] {
        let address = address.parse().ok();
        assert_eq!(
            crate::distribution::pull::blob::may_redirect(&app.app, address),
            expected
        );
    }
}
