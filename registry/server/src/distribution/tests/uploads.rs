use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use chrono::TimeDelta;
use futures::stream;
use slipway_model::{Algorithm, Digest};
use sqlx::PgPool;

use super::support::{Client, code, json_of, number, refused};
use crate::distribution::garbage::expire_uploads;
use crate::testing::TestApp;

async fn registry(pool: PgPool) -> TestApp {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    app
}

#[sqlx::test]
async fn p01_one_streamed_patch_without_length_or_range(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        (0..100u8).map(|n| Ok(Bytes::from(vec![n; 1000]))).collect();
    let whole: Vec<u8> = (0..100u8).flat_map(|n| vec![n; 1000]).collect();
    let answer = client
        .patch(&location, None, Body::from_stream(stream::iter(pieces)))
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.header("range"), "0-99999");
    let digest = Digest::sha256(&whole);
    let done = client
        .finish(answer.header("location"), &digest, Body::empty())
        .await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    assert_eq!(client.get(&format!("/v2/p/app/blobs/{digest}")).await.body, whole);
}

#[sqlx::test]
async fn p02_range_arithmetic(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    let fresh = client.get(&location).await;
    assert_eq!(
        (fresh.status, fresh.header("range")),
        (StatusCode::NO_CONTENT, "0-0")
    );
    assert_eq!(fresh.header("location"), location);
    let first = client.patch(&location, Some("0-299"), vec![1; 300]).await;
    assert_eq!(
        (first.status, first.header("range")),
        (StatusCode::ACCEPTED, "0-299")
    );
    let again = client.patch(&location, Some("0-299"), vec![1; 300]).await;
    assert_eq!(
        (again.status, again.header("range")),
        (StatusCode::RANGE_NOT_SATISFIABLE, "0-299")
    );
    assert_eq!(code(&again), "BLOB_UPLOAD_INVALID");
    let gap = client.patch(&location, Some("301-500"), vec![1; 200]).await;
    assert_eq!(gap.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let second = client.patch(&location, Some("300-499"), vec![2; 200]).await;
    assert_eq!(
        (second.status, second.header("range")),
        (StatusCode::ACCEPTED, "0-499")
    );
    assert_eq!(client.get(&location).await.header("range"), "0-499");
    let early = format!("{location}?digest={}", Digest::sha256(b""));
    let late = client
        .send(
            Method::PUT,
            &early,
            &[("content-range", "400-499")],
            Body::from(vec![2; 100]),
        )
        .await;
    assert_eq!(late.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let whole = [vec![1; 300], vec![2; 200], vec![3; 10]].concat();
    let end = format!("{location}?digest={}", Digest::sha256(&whole));
    let done = client
        .send(
            Method::PUT,
            &end,
            &[("content-range", "500-509")],
            Body::from(vec![3; 10]),
        )
        .await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
}

#[sqlx::test]
async fn p02_a_chunk_is_as_long_as_its_range(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    refused(
        &client.patch(&location, Some("0-299"), vec![1; 299]).await,
        400,
        "SIZE_INVALID",
    );
    assert_eq!(client.get(&location).await.header("range"), "0-298");
    refused(
        &client.patch(&location, Some("299-300"), vec![1; 9]).await,
        400,
        "SIZE_INVALID",
    );
    assert_eq!(client.get(&location).await.header("range"), "0-298");
    refused(
        &client.patch(&location, Some("nonsense"), vec![1; 9]).await,
        400,
        "BLOB_UPLOAD_INVALID",
    );
    let lie = client.send(
        Method::PATCH,
        &location,
        &[("content-range", "299-300"), ("content-length", "3")],
        "abc".into(),
    );
    refused(&lie.await, 400, "SIZE_INVALID");
    assert_eq!(
        client
            .patch(&location, Some("299-300"), vec![1; 2])
            .await
            .header("range"),
        "0-300"
    );
}

#[sqlx::test]
async fn p08_an_upload_moves_between_replicas(pool: PgPool) {
    let one = registry(pool.clone()).await;
    let two = TestApp::with_blobs(pool, one.app.blobs.clone(), |_| {}).await;
    let (here, there) = (Client::admin(&one), Client::admin(&two));
    let location = here.begin("p/app").await;
    assert_eq!(
        there.patch(&location, None, "first ").await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(
        here.patch(&location, None, "second ").await.status,
        StatusCode::ACCEPTED
    );
    let digest = Digest::sha256(b"first second third");
    assert_eq!(
        there.finish(&location, &digest, "third").await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        here.get(&format!("/v2/p/app/blobs/{digest}")).await.body,
        "first second third"
    );
    assert_eq!(
        here.post("/v2/p/app/blobs/uploads").await.status,
        StatusCode::ACCEPTED
    );
}

#[sqlx::test]
async fn p12_wrong_digests_store_and_link_nothing(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    let claimed = Digest::sha256(b"what was claimed");
    refused(
        &client.finish(&location, &claimed, "something else").await,
        400,
        "DIGEST_INVALID",
    );
    for digest in [&claimed, &Digest::sha256(b"something else")] {
        assert_eq!(
            client.head(&format!("/v2/p/app/blobs/{digest}")).await.status,
            StatusCode::NOT_FOUND
        );
    }
    assert_eq!(number(&app, "SELECT count(*) FROM blobs").await, 0);
    assert!(app.app.blobs.list(None, 10).await.unwrap().is_empty());
    assert!(app.app.blobs.list_uploads(None, 10).await.unwrap().is_empty());
    for bad in [
        "",
        "?digest=",
        "?digest=sha256:zz",
        "?digest=md5:d41d8cd98f00b204e9800998ecf8427e",
    ] {
        let location = client.begin("p/app").await;
        let answer = client
            .send(Method::PUT, &format!("{location}{bad}"), &[], Body::from("x"))
            .await;
        refused(&answer, 400, "DIGEST_INVALID");
    }
}

#[sqlx::test]
async fn p13_cancel(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    client.patch(&location, None, "some bytes").await;
    assert_eq!(client.delete(&location).await.status, StatusCode::NO_CONTENT);
    for answer in [
        client.get(&location).await,
        client.patch(&location, None, "x").await,
        client.delete(&location).await,
        client.finish(&location, &Digest::sha256(b"x"), "x").await,
        client.get("/v2/p/app/blobs/uploads/nonsense").await,
    ] {
        refused(&answer, 404, "BLOB_UPLOAD_UNKNOWN");
    }
    assert!(app.app.blobs.list_uploads(None, 10).await.unwrap().is_empty());
}

#[sqlx::test]
async fn p13_idle_uploads_expire_counted_from_their_last_byte(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let hours = TimeDelta::hours;
    let (idle, busy) = (client.begin("p/app").await, client.begin("p/app").await);
    client.patch(&idle, None, "left behind").await;
    app.advance(hours(20));
    client.patch(&busy, None, "still going").await;
    app.advance(hours(5));
    let done = expire_uploads(&app.app, || false).await.unwrap();
    assert_eq!((done.uploads, done.failed), (1, 0));
    refused(&client.get(&idle).await, 404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(client.get(&busy).await.header("range"), "0-10");
    assert_eq!(app.app.blobs.list_uploads(None, 10).await.unwrap().len(), 1);
    assert_eq!(expire_uploads(&app.app, || false).await.unwrap().uploads, 0);
}

#[sqlx::test]
async fn p17_the_type_of_a_chunk_does_not_matter(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    for content_type in [
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data",
        "nonsense",
    ] {
        let location = client.begin("p/app").await;
        let answer = client
            .send(
                Method::PATCH,
                &location,
                &[("content-type", content_type)],
                Body::from("a=b&c=%zz"),
            )
            .await;
        assert_eq!(
            (answer.status, answer.header("range")),
            (StatusCode::ACCEPTED, "0-8"),
            "{content_type}"
        );
    }
}

#[sqlx::test]
async fn p40_empty_blobs_by_each_form(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let empty = Digest::sha256(b"");
    let url = format!("/v2/p/app/blobs/{empty}");
    let check = async |answer: crate::testing::Answer| {
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let got = client.get(&url).await;
        assert_eq!(
            (got.status, got.header("content-length"), got.body.len()),
            (StatusCode::OK, "0", 0)
        );
        let part = client
            .send(Method::GET, &url, &[("range", "bytes=0-0")], Body::empty())
            .await;
        assert_eq!(
            (part.status, part.header("content-range")),
            (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */0")
        );
        assert_eq!(client.delete(&url).await.status, StatusCode::ACCEPTED);
    };
    let location = client.begin("p/app").await;
    check(client.finish(&location, &empty, Body::empty()).await).await;
    let location = client.begin("p/app").await;
    client.patch(&location, None, Body::empty()).await;
    check(client.finish(&location, &empty, Body::empty()).await).await;
    check(
        client
            .post(&format!("/v2/p/app/blobs/uploads/?digest={empty}"))
            .await,
    )
    .await;
}

#[sqlx::test]
async fn p45_sha512_blobs(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let digest = Digest::of(Algorithm::Sha512, b"long digest");
    for begin in [
        "/v2/p/app/blobs/uploads/?digest-algorithm=sha512",
        "/v2/p/app/blobs/uploads/",
    ] {
        let begun = client.post(begin).await;
        let location = begun.header("location");
        client.patch(location, None, "long ").await;
        let done = client.finish(location, &digest, "digest").await;
        assert_eq!(
            (done.status, done.header("docker-content-digest")),
            (StatusCode::CREATED, digest.as_str())
        );
        assert_eq!(
            client.get(&format!("/v2/p/app/blobs/{digest}")).await.body,
            "long digest"
        );
    }
    refused(
        &client.post("/v2/p/app/blobs/uploads/?digest-algorithm=md5").await,
        400,
        "DIGEST_INVALID",
    );
    // No aliasing: the same bytes under sha256 were never pushed.
    assert_eq!(
        client
            .head(&format!("/v2/p/app/blobs/{}", Digest::sha256(b"long digest")))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test]
async fn an_upload_belongs_to_its_repository(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    let elsewhere = location.replace("/p/app/", "/p/other/");
    refused(
        &client.patch(&elsewhere, None, "x").await,
        404,
        "BLOB_UPLOAD_UNKNOWN",
    );
    refused(&client.get(&elsewhere).await, 404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(client.get(&location).await.status, StatusCode::NO_CONTENT);
}

#[sqlx::test]
async fn a_digest_is_stored_once_and_each_project_counts_it(pool: PgPool) {
    let app = registry(pool).await;
    let other = app.create_project("q", false).await;
    let client = Client::admin(&app);
    for repository in ["p/a", "p/b", "p/a", "q/a"] {
        client.blob(repository, b"shared").await;
    }
    assert_eq!(app.app.blobs.list(None, 10).await.unwrap().len(), 1);
    assert_eq!(number(&app, "SELECT count(*) FROM doomed_objects").await, 0);
    assert_eq!(super::support::used(&app, other).await, 6);
    let links = number(&app, "SELECT sum(links)::bigint FROM project_blobs").await;
    assert_eq!(links, 3);
    let body = json_of(&client.get("/v2/p/a/tags/list").await);
    assert_eq!(
        body["errors"][0]["code"], "NAME_UNKNOWN",
        "nothing was pushed that could be seen"
    );
}
