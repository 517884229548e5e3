//! The forms of an upload's requests, and where their answers lead.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use slipway_model::Digest;
use slipway_model::manifest::{OCI_INDEX, OCI_MANIFEST};
use sqlx::PgPool;

use super::support::{Client, number, refused};
use crate::testing::{As, TestApp};

async fn registry(pool: PgPool) -> TestApp {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    app
}

#[sqlx::test]
async fn p05_every_monolithic_form(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let body = b"127.0.0.1 localhost".to_vec();
    let digest = Digest::sha256(&body);
    let one = format!("/v2/p/app/blobs/uploads/?digest={digest}");
    let none = client.post(&one).await;
    assert_eq!(none.status, StatusCode::ACCEPTED, "{none:?}");
    assert_eq!(
        client
            .finish(none.header("location"), &digest, body.clone())
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(
        client.delete(&format!("/v2/p/app/blobs/{digest}")).await.status,
        StatusCode::ACCEPTED
    );

    let done = client
        .send(Method::POST, &one, &[], Body::from(body.clone()))
        .await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    assert_eq!(done.header("location"), format!("/v2/p/app/blobs/{digest}"));
    assert_eq!(client.head(done.header("location")).await.status, StatusCode::OK);

    let other = Digest::sha256(b"other");
    let post = format!("/v2/p/app/blobs/uploads/?digest={other}");
    let wrong = client
        .send(Method::POST, &post, &[], Body::from(body.clone()))
        .await;
    refused(&wrong, 400, "DIGEST_INVALID");
    assert_eq!(
        client.head(&format!("/v2/p/app/blobs/{other}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(number(&app, "SELECT count(*) FROM uploads").await, 0);

    // PUT with the rest.
    let location = client.begin("p/app").await;
    client.patch(&location, None, b"127.0.0.1".to_vec()).await;
    assert_eq!(
        client
            .finish(&location, &digest, b" localhost".to_vec())
            .await
            .status,
        StatusCode::CREATED
    );

    // PUT with everything, saying so.
    let body = b"all of it at once".to_vec();
    let digest = Digest::sha256(&body);
    for range in ["0-16", "bytes 0-16/17"] {
        let location = client.begin("p/app").await;
        let whole = client
            .send(
                Method::PUT,
                &format!("{location}?digest={digest}"),
                &[("content-range", range), ("content-length", "17")],
                Body::from(body.clone()),
            )
            .await;
        assert_eq!(whole.status, StatusCode::CREATED, "{range}: {whole:?}");
    }
    // PUT with nothing, with and without a length.
    for headers in [&[][..], &[("content-length", "0")][..]] {
        let location = client.begin("p/app").await;
        client.patch(&location, None, body.clone()).await;
        let uri = format!("{location}?digest={digest}");
        let end = client.send(Method::PUT, &uri, headers, Body::empty()).await;
        assert_eq!(end.status, StatusCode::CREATED, "{end:?}");
    }
}

/// Every Location of an upload and of what came of it, whatever a proxy says of itself.
#[sqlx::test]
async fn p06_location_is_relative_and_has_no_query(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let forwarded = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a.example:8443"),
        ("x-forwarded-prefix", "/reg"),
    ];
    let digest = Digest::sha256(b"some bytes");
    let manifest = br#"{"schemaVersion":2,"manifests":[]}"#.to_vec();
    for headers in [&[][..], &forwarded[..]] {
        let send = async |method: Method, uri: &str, body: &[u8]| {
            let mut headers = headers.to_vec();
            headers.push(("content-type", OCI_INDEX));
            let answer = client
                .send(method, uri, &headers, Body::from(body.to_vec()))
                .await;
            assert!(answer.status.is_success(), "{uri}: {answer:?}");
            let location = answer.header("location").to_owned();
            assert!(location.starts_with("/v2/p/app/"), "{location}");
            assert!(!location.contains('?') && !location.contains("//"), "{location}");
            location
        };
        let begun = send(Method::POST, "/v2/p/app/blobs/uploads/", b"").await;
        let patched = send(Method::PATCH, &begun, b"some ").await;
        let asked = send(Method::GET, &patched, b"").await;
        assert_eq!((&patched, &asked), (&begun, &begun));
        // The client's own parameters in front of the digest do no harm.
        let end = format!("{asked}?_state=x&digest={digest}");
        assert_eq!(
            send(Method::PUT, &end, b"bytes").await,
            format!("/v2/p/app/blobs/{digest}")
        );
        let mounted = format!("/v2/p/app/blobs/uploads/?mount={digest}&from=p/app");
        assert_eq!(
            send(Method::POST, &mounted, b"").await,
            format!("/v2/p/app/blobs/{digest}")
        );
        let missing = Digest::sha256(b"missing");
        let other = format!("/v2/p/app/blobs/uploads/?mount={missing}&from=p/app");
        assert!(
            send(Method::POST, &other, b"")
                .await
                .starts_with("/v2/p/app/blobs/uploads/")
        );
        let single = format!("/v2/p/app/blobs/uploads/?digest={digest}");
        assert_eq!(
            send(Method::POST, &single, b"some bytes").await,
            format!("/v2/p/app/blobs/{digest}")
        );
        send(Method::PUT, "/v2/p/app/manifests/v1", &manifest).await;
    }
}

#[sqlx::test]
async fn p07_final_locations_are_pullable(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let digest = Digest::sha256(b"x");
    let location = client.begin("p/app").await;
    let done = client.finish(&location, &digest, "x").await;
    assert_eq!(done.header("docker-content-digest"), digest.as_str());
    assert_eq!(
        client
            .head(done.header("location"))
            .await
            .header("docker-content-digest"),
        digest.as_str()
    );
    let image = client.image("p/app", "v1", "layer").await;
    let put = client
        .put(
            "p/app",
            "v2",
            &image.manifest,
            "application/vnd.oci.image.manifest.v1+json",
        )
        .await;
    assert_eq!(
        put.header("location"),
        format!("/v2/p/app/manifests/{}", image.digest)
    );
    assert_eq!(
        client
            .head(put.header("location"))
            .await
            .header("docker-content-digest"),
        image.digest.as_str()
    );
}

/// HTTP inside, TLS outside: whatever a client is sent, it is not sent out of TLS.
#[sqlx::test]
async fn h63_behind_a_tls_proxy_no_answer_speaks_of_http(pool: PgPool) {
    let app = TestApp::with_config(pool, |config| {
        config.external_url = Some("https://reg.example.org".parse().unwrap());
    })
    .await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let outsider = Client::of(&app, &As::Nobody);
    let image = client.image("p/app", "v1", "a layer").await;
    client.put("p/app", "v2", &image.manifest, OCI_MANIFEST).await;
    let begun = client.post("/v2/p/app/blobs/uploads/").await;
    let upload = begun.header("location").to_owned();
    let mut answers = vec![
        begun,
        client.patch(&upload, None, "some bytes").await,
        client.get(&upload).await,
        client
            .finish(&upload, &Digest::sha256(b"some bytes"), Body::empty())
            .await,
        client.put("p/app", "v3", &image.manifest, OCI_MANIFEST).await,
        outsider.post("/v2/p/app/blobs/uploads/").await,
    ];
    for uri in [
        "/v2/".to_owned(),
        "/v2/_catalog?n=1".to_owned(),
        "/v2/p/app/tags/list?n=1".to_owned(),
        "/v2/p/app/manifests/v1".to_owned(),
        format!("/v2/p/app/blobs/{}", image.layer),
        format!("/v2/p/app/referrers/{}", image.digest),
        "/service/token?service=harbor-registry&scope=repository:p/app:pull".to_owned(),
        "/api/v2.0/projects?page_size=1".to_owned(),
        "/api/v2.0/systeminfo".to_owned(),
    ] {
        answers.push(client.get(&uri).await);
        answers.push(outsider.get(&uri).await);
    }
    let mut challenges = 0;
    for answer in &answers {
        assert!(!format!("{:?}", answer.headers).contains("http:"), "{answer:?}");
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("http:"),
            "{answer:?}"
        );
        let challenge = answer.header("www-authenticate");
        if challenge.starts_with("Bearer") {
            assert!(
                challenge.contains("realm=\"https://reg.example.org/service/token\""),
                "{challenge}"
            );
            challenges += 1;
        }
    }
    assert!(challenges >= 6, "{challenges}");
}
