use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use chrono::TimeDelta;
use futures::channel::mpsc;
use futures::future::join_all;
use slipway_model::Digest;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::garbage::assert_counts;
use super::support::{Client, code, json_of, number, refused};
use crate::testing::TestApp;

#[sqlx::test]
async fn first_pushes_of_one_repository_at_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    join_all((0..64).map(|n| {
        let client = Client::admin(&app);
        async move {
            let edit = move |document: &mut serde_json::Value| document["n"] = n.into();
            client
                .image_with("p/new", &format!("t{n}"), &format!("layer {}", n % 5), edit)
                .await
        }
    }))
    .await;
    let client = Client::admin(&app);
    assert_eq!(
        json_of(&client.get("/v2/p/new/tags/list").await)["tags"]
            .as_array()
            .unwrap()
            .len(),
        64
    );
    assert_eq!(number(&app, "SELECT count(*) FROM repositories").await, 1);
    assert_eq!(app.app.blobs.list(None, 100).await.unwrap().len(), 6);
    assert_counts(&app).await;
}

#[sqlx::test]
async fn the_same_image_and_tag_at_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let images = join_all((0..32).map(|_| {
        let client = Client::admin(&app);
        async move { client.image("p/app", "latest", "the layer").await }
    }))
    .await;
    assert_eq!(number(&app, "SELECT count(*) FROM manifests").await, 1);
    assert_eq!(number(&app, "SELECT count(*) FROM events").await, 2);
    let latest = Client::admin(&app).get("/v2/p/app/manifests/latest").await;
    assert_eq!(latest.body, images[0].manifest);
    assert_counts(&app).await;
}

#[sqlx::test]
async fn a_hundred_clients_on_one_blob(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let content: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    let pushed = join_all((0..100).map(|n| {
        let (client, content) = (Client::admin(&app), &content);
        async move { client.blob(&format!("p/app{}", n % 7), content).await }
    }))
    .await;
    let digest = &pushed[0];
    assert_eq!(app.app.blobs.list(None, 1000).await.unwrap().len(), 1);
    assert_eq!(number(&app, "SELECT count(*) FROM doomed_objects").await, 0);
    join_all((0..100).map(|n| {
        let (client, content) = (Client::admin(&app), &content);
        async move {
            let answer = client.get(&format!("/v2/p/app{}/blobs/{digest}", n % 7)).await;
            assert!(answer.status == StatusCode::OK && answer.body == *content);
        }
    }))
    .await;
    assert_counts(&app).await;
}

#[sqlx::test]
async fn one_writer_at_a_time(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    app.create_project("p", false).await;
    let other = TestApp::with_blobs(pool, app.app.blobs.clone(), |_| {}).await;
    let (client, elsewhere) = (Client::admin(&app), Client::admin(&other));
    let location = client.begin("p/app").await;
    let (sender, receiver) = mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    sender.unbounded_send(Ok(Bytes::from_static(b"first "))).unwrap();
    let slow = client.patch(&location, None, Body::from_stream(receiver));
    let others = async {
        while number(
            &app,
            "SELECT count(*) FROM uploads WHERE claimed_until IS NOT NULL",
        )
        .await
            == 0
        {
            tokio::task::yield_now().await;
        }
        for client in [&client, &elsewhere] {
            refused(
                &client.patch(&location, None, "intruder").await,
                409,
                "BLOB_UPLOAD_INVALID",
            );
            refused(
                &client.finish(&location, &Digest::sha256(b"x"), "x").await,
                409,
                "BLOB_UPLOAD_INVALID",
            );
            refused(&client.delete(&location).await, 409, "BLOB_UPLOAD_INVALID");
            assert_eq!(client.get(&location).await.status, StatusCode::NO_CONTENT);
        }
        sender.unbounded_send(Ok(Bytes::from_static(b"second"))).unwrap();
        drop(sender);
    };
    let (answer, ()) = futures::join!(slow, others);
    assert_eq!(
        (answer.status, answer.header("range")),
        (StatusCode::ACCEPTED, "0-11")
    );
    let digest = Digest::sha256(b"first second");
    assert_eq!(
        elsewhere.finish(&location, &digest, Body::empty()).await.status,
        StatusCode::CREATED
    );
}

#[sqlx::test]
async fn racing_chunks_never_corrupt(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    let mut whole = Vec::new();
    for round in 0..10u8 {
        let range = format!("{}-{}", whole.len(), whole.len() + 99);
        let answers = join_all((0..6).map(|_| client.patch(&location, Some(&range), vec![round; 100]))).await;
        let mut accepted = 0;
        for answer in answers {
            match answer.status {
                StatusCode::ACCEPTED => accepted += 1,
                StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::CONFLICT => {
                    assert_eq!(code(&answer), "BLOB_UPLOAD_INVALID");
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(accepted, 1);
        whole.extend_from_slice(&[round; 100]);
    }
    let digest = Digest::sha256(&whole);
    let answers = join_all((0..4).map(|_| client.finish(&location, &digest, Body::empty()))).await;
    let created = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .count();
    assert_eq!(created, 1, "{answers:?}");
    assert_eq!(client.get(&format!("/v2/p/app/blobs/{digest}")).await.body, whole);
}

#[sqlx::test]
async fn the_claim_of_a_process_that_died_lapses(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    client.patch(&location, None, "kept ").await;
    sqlx::query("UPDATE uploads SET claimed_until = $1, generation = generation + 1")
        .bind(app.app.clock.now() + TimeDelta::seconds(15))
        .execute(&app.app.pool)
        .await
        .unwrap();
    refused(
        &client.patch(&location, None, "x").await,
        409,
        "BLOB_UPLOAD_INVALID",
    );
    app.advance(TimeDelta::seconds(16));
    let digest = Digest::sha256(b"kept and more");
    assert_eq!(
        client.finish(&location, &digest, "and more").await.status,
        StatusCode::CREATED
    );
}

#[sqlx::test]
async fn a_writer_that_lost_its_claim_saves_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;
    let (sender, receiver) = mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    sender.unbounded_send(Ok(Bytes::from_static(b"late"))).unwrap();
    let late = client.patch(&location, None, Body::from_stream(receiver));
    let taken = async {
        while number(
            &app,
            "SELECT count(*) FROM uploads WHERE claimed_until IS NOT NULL",
        )
        .await
            == 0
        {
            tokio::task::yield_now().await;
        }
        sqlx::query("UPDATE uploads SET generation = generation + 1")
            .execute(&app.app.pool)
            .await
            .unwrap();
        drop(sender);
    };
    let (answer, ()) = futures::join!(late, taken);
    refused(&answer, 409, "BLOB_UPLOAD_INVALID");
    app.advance(TimeDelta::minutes(1));
    assert_eq!(client.get(&location).await.header("range"), "0-0");
    let digest = Digest::sha256(b"from the start");
    assert_eq!(
        client.finish(&location, &digest, "from the start").await.status,
        StatusCode::CREATED
    );
}

#[sqlx::test]
async fn indexes_and_removals_of_their_children_at_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    for round in 0..10 {
        let child = client.image("p/app", "", &format!("layer {round}")).await;
        let uri = format!("/v2/p/app/manifests/{}", child.digest);
        let children = [&child];
        let tag = format!("t{round}");
        let (pushed, removed) = futures::join!(client.index("p/app", &tag, &children), client.delete(&uri));
        let whole = client.get(&uri).await.status == StatusCode::OK;
        match (pushed.1.status, removed.status) {
            (StatusCode::CREATED, StatusCode::METHOD_NOT_ALLOWED) => assert!(whole),
            (StatusCode::BAD_REQUEST, StatusCode::ACCEPTED) => assert!(!whole),
            other => panic!("{other:?}"),
        }
    }
    assert_counts(&app).await;
}

#[sqlx::test]
async fn removals_that_share_layers_at_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let mut images = Vec::new();
    for n in 0..16 {
        let edit = move |document: &mut serde_json::Value| document["n"] = n.into();
        images.push(
            client
                .image_with("p/app", &format!("t{n}"), "one layer", edit)
                .await,
        );
    }
    join_all(images.iter().map(async |image| {
        let answer = client
            .delete(&format!("/v2/p/app/manifests/{}", image.digest))
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    }))
    .await;
    assert_counts(&app).await;
    assert_eq!(number(&app, "SELECT count(*) FROM project_blobs").await, 0);
    let loose = "SELECT count(*) FROM repository_blobs l WHERE NOT EXISTS (SELECT FROM blob_reviews r WHERE r.digest = l.digest)";
    assert_eq!(
        number(&app, loose).await,
        0,
        "whatever nothing refers to is up for review"
    );
    assert_eq!(
        client
            .put("p/app", "again", &images[0].manifest, OCI_MANIFEST)
            .await
            .status,
        StatusCode::CREATED
    );
    assert_counts(&app).await;
}
