use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures::stream::{self, StreamExt};
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::{Client, number, refused};
use crate::testing::TestApp;

async fn registry(pool: PgPool) -> TestApp {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    app
}

#[sqlx::test]
async fn p23_head_equals_get_without_the_body(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "a layer").await;
    for uri in [
        "/v2/p/app/manifests/v1".to_owned(),
        format!("/v2/p/app/manifests/{}", image.digest),
        format!("/v2/p/app/blobs/{}", image.layer),
        format!("/v2/p/app/blobs/{}", image.config),
    ] {
        let (head, get) = (client.head(&uri).await, client.get(&uri).await);
        assert_eq!(
            (head.status, get.status),
            (StatusCode::OK, StatusCode::OK),
            "{uri}"
        );
        for name in [
            "content-type",
            "content-length",
            "docker-content-digest",
            "etag",
            "docker-distribution-api-version",
        ] {
            assert!(!get.header(name).is_empty(), "{uri} {name}");
            assert_eq!(head.header(name), get.header(name), "{uri} {name}");
        }
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        assert!(head.body.is_empty());
    }
    let by_tag = client.get("/v2/p/app/manifests/v1").await;
    assert_eq!(by_tag.body, image.manifest);
    assert_eq!(by_tag.header("etag"), format!("\"{}\"", image.digest));
}

#[sqlx::test]
async fn p24_manifests_are_not_blobs(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "a layer").await;
    let blob = format!("/v2/p/app/blobs/{}", image.digest);
    assert_eq!(client.head(&blob).await.status, StatusCode::NOT_FOUND);
    refused(&client.get(&blob).await, 404, "BLOB_UNKNOWN");
    let manifest = format!("/v2/p/app/manifests/{}", image.layer);
    assert_eq!(client.head(&manifest).await.status, StatusCode::NOT_FOUND);
    refused(&client.get(&manifest).await, 404, "MANIFEST_UNKNOWN");
    refused(
        &client.get("/v2/p/app/manifests/never").await,
        404,
        "MANIFEST_UNKNOWN",
    );
    refused(&client.get("/v2/p/never/manifests/v1").await, 404, "NAME_UNKNOWN");
    refused(
        &client.get("/v2/p/app/manifests/-bad").await,
        404,
        "MANIFEST_UNKNOWN",
    );
    refused(
        &client.get("/v2/p/app/manifests/sha256:zz").await,
        400,
        "DIGEST_INVALID",
    );
    refused(
        &client.get("/v2/p/app/blobs/sha256:zz").await,
        400,
        "DIGEST_INVALID",
    );
}

#[sqlx::test]
async fn p30_content_types_are_exact(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "a layer").await;
    let put = client
        .put(
            "p/app",
            "cs",
            &image.manifest,
            &format!("{OCI_MANIFEST}; charset=utf-8"),
        )
        .await;
    assert_eq!(put.status, StatusCode::CREATED);
    assert_eq!(
        client.get("/v2/p/app/manifests/cs").await.header("content-type"),
        OCI_MANIFEST
    );
    let blob = client.get(&format!("/v2/p/app/blobs/{}", image.layer)).await;
    assert_eq!(blob.header("content-type"), "application/octet-stream");
}

#[sqlx::test]
async fn p31_if_none_match(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "a layer").await;
    for (uri, digest) in [
        ("/v2/p/app/manifests/v1".to_owned(), &image.digest),
        (format!("/v2/p/app/blobs/{}", image.layer), &image.layer),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let tag = format!("\"{digest}\"");
            let same = client
                .send(method.clone(), &uri, &[("if-none-match", &tag)], Body::empty())
                .await;
            assert_eq!(
                (same.status, same.header("etag")),
                (StatusCode::NOT_MODIFIED, tag.as_str()),
                "{uri}"
            );
            let other = client
                .send(method, &uri, &[("if-none-match", "\"sha256:00\"")], Body::empty())
                .await;
            assert_eq!(other.status, StatusCode::OK);
        }
    }
}

#[sqlx::test]
async fn p32_unknown_parameters_and_accept_headers_do_not_matter(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "a layer").await;
    for accept in [
        OCI_MANIFEST,
        "application/vnd.docker.distribution.manifest.v2+json",
        "text/html",
        "*/*",
    ] {
        let uri = "/v2/p/app/manifests/v1?ns=169.254.169.254&x=1&%zz";
        let answer = client
            .send(Method::GET, uri, &[("accept", accept)], Body::empty())
            .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, OCI_MANIFEST)
        );
    }
    assert_eq!(
        client
            .get(&format!("/v2/p/app/blobs/{}?ns=a.example", image.layer))
            .await
            .status,
        StatusCode::OK
    );
}

/// Mirrors and proxies add parameters to every request.
#[sqlx::test]
async fn p32_unknown_parameters_matter_nowhere(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "a layer").await;
    let odd = "ns=registry.example&x=1&ns=b&%00=%ff&=&y";
    let send = async |method: Method, uri: String, body: &[u8], status: u16| {
        let joint = if uri.contains('?') { '&' } else { '?' };
        let headers = [("content-type", OCI_MANIFEST)];
        let uri = format!("{uri}{joint}{odd}");
        let answer = client
            .send(method, &uri, &headers, Body::from(body.to_vec()))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{uri}: {answer:?}");
        answer
    };
    let v2 = "/v2/p/app";
    for uri in [
        "/v2/".to_owned(),
        "/v2/_catalog?n=1".to_owned(),
        format!("{v2}/tags/list?n=1"),
        format!("{v2}/manifests/v1"),
        format!("{v2}/blobs/{}", image.layer),
        format!("{v2}/referrers/{}", image.digest),
        "/service/token?service=harbor-registry".to_owned(),
    ] {
        send(Method::GET, uri.clone(), b"", 200).await;
        if !uri.starts_with("/service") {
            send(Method::HEAD, uri, b"", 200).await;
        }
    }
    let begun = send(Method::POST, format!("{v2}/blobs/uploads/"), b"", 202).await;
    let location = begun.header("location").to_owned();
    send(Method::PATCH, location.clone(), b"bytes", 202).await;
    send(Method::GET, location.clone(), b"", 204).await;
    let digest = slipway_model::Digest::sha256(b"bytes");
    send(Method::PUT, format!("{location}?digest={digest}"), b"", 201).await;
    send(Method::PUT, format!("{v2}/manifests/v2"), &image.manifest, 201).await;
    send(Method::DELETE, format!("{v2}/manifests/v2"), b"", 202).await;
    send(Method::DELETE, format!("{v2}/blobs/{digest}"), b"", 202).await;
    let begun = client.begin("p/app").await;
    send(Method::DELETE, begun, b"", 204).await;
}

#[sqlx::test]
async fn p33_what_counts_as_a_pull(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "a layer").await;
    client.put("p/app", "v2", &image.manifest, OCI_MANIFEST).await;
    for _ in 0..5 {
        client.head("/v2/p/app/manifests/v1").await;
    }
    let flush = async || app.app.pulls.flush(&app.app).await.unwrap();
    flush().await;
    assert_eq!(number(&app, "SELECT pull_count FROM repositories").await, 0);
    assert_eq!(
        number(&app, "SELECT count(*) FROM tags WHERE pull_time IS NOT NULL").await,
        0
    );
    client.get(&format!("/v2/p/app/manifests/{}", image.digest)).await;
    flush().await;
    flush().await;
    assert_eq!(number(&app, "SELECT pull_count FROM repositories").await, 1);
    assert_eq!(
        number(&app, "SELECT count(*) FROM manifests WHERE pull_time IS NOT NULL").await,
        1
    );
    assert_eq!(
        number(&app, "SELECT count(*) FROM tags WHERE pull_time IS NOT NULL").await,
        2
    );
}

/// A pull waits for nobody who holds the rows that its figures go to.
#[sqlx::test]
async fn h93_a_thousand_pulls_wait_for_no_row_and_are_counted(pool: PgPool) {
    let app = registry(pool).await;
    Client::admin(&app).image("p/app", "v1", "a layer").await;
    let client = Client::with_token(&app, &app.admin(), &["repository:p/app:pull"]).await;
    let mut holder = app.app.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM repositories, manifests, tags, projects FOR UPDATE")
        .fetch_all(&mut *holder)
        .await
        .unwrap();
    let pulls = stream::iter(0..1000).map(|_| client.get("/v2/p/app/manifests/v1"));
    let answers: Vec<_> = pulls.buffer_unordered(8).collect().await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    holder.rollback().await.unwrap();
    app.app.pulls.flush(&app.app).await.unwrap();
    assert_eq!(number(&app, "SELECT pull_count FROM repositories").await, 1000);
}

#[sqlx::test]
async fn ranges_of_a_blob(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let digest = client.blob("p/app", b"0123456789").await;
    let uri = format!("/v2/p/app/blobs/{digest}");
    let part = async |range: &str| {
        client
            .send(Method::GET, &uri, &[("range", range)], Body::empty())
            .await
    };
    for (range, body, said) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=3-5", "345", "bytes 3-5/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
        ("bytes=0-9", "0123456789", "bytes 0-9/10"),
    ] {
        let answer = part(range).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            (answer.header("content-range"), answer.body.as_ref()),
            (said, body.as_bytes()),
            "{range}"
        );
        assert_eq!(answer.header("content-length"), body.len().to_string());
        assert_eq!(answer.header("docker-content-digest"), digest.as_str());
    }
    for range in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=5-1"] {
        let answer = part(range).await;
        assert_eq!(
            (answer.status, answer.header("content-range")),
            (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */10")
        );
    }
    for range in ["bytes=0-1,4-5", "lines=1-2", "bytes=a-b"] {
        let answer = part(range).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::OK, 10),
            "{range}"
        );
    }
    let headers = [("range", "bytes=0-1"), ("if-range", "\"sha256:00\"")];
    let whole = client.send(Method::GET, &uri, &headers, Body::empty()).await;
    assert_eq!(
        (whole.status, whole.header("accept-ranges")),
        (StatusCode::OK, "bytes")
    );
    let head = client
        .send(Method::HEAD, &uri, &[("range", "bytes=0-1")], Body::empty())
        .await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (StatusCode::OK, "10")
    );
}
