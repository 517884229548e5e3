use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_model::manifest::{OCI_INDEX, OCI_MANIFEST};
use slipway_model::{Algorithm, Digest};
use sqlx::PgPool;

use super::support::{Client, image_document, index_document, number, refused};
use crate::testing::TestApp;

async fn registry(pool: PgPool) -> TestApp {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    app
}

fn bytes(document: &Value) -> Vec<u8> {
    document.to_string().into_bytes()
}

#[sqlx::test]
async fn p12_a_manifest_put_by_another_digest_is_refused(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let other = format!("sha256:{}", "2".repeat(64));
    refused(
        &client.put("p/app", &other, &image.manifest, OCI_MANIFEST).await,
        400,
        "DIGEST_INVALID",
    );
    refused(
        &client.get(&format!("/v2/p/app/manifests/{other}")).await,
        404,
        "MANIFEST_UNKNOWN",
    );
}

#[sqlx::test]
async fn p31_compare_and_swap_of_tags(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let old = client.image("p/app", "v1", "old").await;
    let put = async |tag: &str, header: (&str, &str), manifest: &[u8]| {
        let uri = format!("/v2/p/app/manifests/{tag}");
        let headers = [("content-type", OCI_MANIFEST), header];
        client
            .send(Method::PUT, &uri, &headers, Body::from(manifest.to_vec()))
            .await
    };
    let mut documents = Vec::new();
    for n in 0..8 {
        let mut document: Value = serde_json::from_slice(&old.manifest).unwrap();
        document["annotations"] = json!({"n": n.to_string()});
        documents.push(bytes(&document));
    }
    let wrong = format!("\"sha256:{}\"", "0".repeat(64));
    refused(
        &put("v1", ("if-match", &wrong), &documents[0]).await,
        412,
        "PRECONDITION",
    );
    refused(
        &put("v1", ("if-none-match", "*"), &documents[0]).await,
        412,
        "PRECONDITION",
    );
    refused(
        &put("new", ("if-match", "*"), &documents[0]).await,
        412,
        "PRECONDITION",
    );
    assert_eq!(
        client
            .head("/v2/p/app/manifests/v1")
            .await
            .header("docker-content-digest"),
        old.digest.as_str()
    );
    assert_eq!(
        number(&app, "SELECT count(*) FROM manifests").await,
        1,
        "nothing is left of what was refused"
    );

    let right = format!("\"{}\"", old.digest);
    let race = futures::future::join_all(
        documents
            .iter()
            .map(|document| put("v1", ("if-match", &right), document)),
    );
    let mut statuses: Vec<u16> = race.await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412, 412, 412, 412, 412, 412, 412]);
    let race = futures::future::join_all(
        documents
            .iter()
            .map(|document| put("new", ("if-none-match", "*"), document)),
    );
    let mut statuses: Vec<u16> = race.await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412, 412, 412, 412, 412, 412, 412]);
}

#[sqlx::test]
async fn p45_manifests_by_sha512(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let digest = Digest::of(Algorithm::Sha512, &image.manifest);
    let uri = format!("/v2/p/app/manifests/{digest}");
    refused(&client.get(&uri).await, 404, "MANIFEST_UNKNOWN");
    let answer = client
        .put("p/app", digest.as_str(), &image.manifest, OCI_MANIFEST)
        .await;
    assert_eq!(
        (answer.status, answer.header("docker-content-digest")),
        (StatusCode::CREATED, digest.as_str())
    );
    assert_eq!(client.get(&uri).await.body, image.manifest);
}

#[sqlx::test]
async fn p47_a_subject_may_be_absent_and_is_answered(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let config = client.blob("p/app", b"{}").await;
    let subject = Digest::sha256(b"absent");
    let mut document = image_document(&config, 2, &config, 2);
    document["subject"] = json!({"mediaType": OCI_MANIFEST, "digest": subject, "size": 6});
    let answer = client
        .put(
            "p/app",
            Digest::sha256(&bytes(&document)).as_str(),
            &bytes(&document),
            OCI_MANIFEST,
        )
        .await;
    assert_eq!(
        (answer.status, answer.header("oci-subject")),
        (StatusCode::CREATED, subject.as_str())
    );
    assert_eq!(
        client.image("p/app", "v1", "l").await.manifest.len(),
        client.get("/v2/p/app/manifests/v1").await.body.len()
    );
}

#[sqlx::test]
async fn p49_dash_tags_are_tags(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let tag = image.digest.as_str().replace(':', "-");
    refused(
        &client.get(&format!("/v2/p/app/manifests/{tag}")).await,
        404,
        "MANIFEST_UNKNOWN",
    );
    let index = bytes(&index_document([].into_iter()));
    assert_eq!(
        client.put("p/app", &tag, &index, OCI_INDEX).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        client.get(&format!("/v2/p/app/manifests/{tag}")).await.body,
        index
    );
    assert_eq!(
        client
            .put("p/app", &format!("{tag}.sig"), &index, OCI_INDEX)
            .await
            .status,
        StatusCode::CREATED
    );
}

#[sqlx::test]
async fn p51_many_tags_with_one_put(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v0", "layer").await;
    let tags: Vec<String> = (0..12).map(|n| format!("t{n}")).collect();
    let query: String = tags.iter().map(|tag| format!("&tag={tag}")).collect();
    let answer = client
        .put(
            "p/app",
            &format!("{}?x=1{query}", image.digest),
            &image.manifest,
            OCI_MANIFEST,
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let mut said: Vec<&str> = answer.header("oci-tag").split(", ").collect();
    said.sort_unstable();
    let mut wanted: Vec<&str> = tags.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    assert_eq!(said, wanted);
    for tag in &tags {
        assert_eq!(
            client.head(&format!("/v2/p/app/manifests/{tag}")).await.status,
            StatusCode::OK,
            "{tag}"
        );
    }
    let bad = client
        .put(
            "p/app",
            &format!("{}?tag=ok&tag=-bad", image.digest),
            &image.manifest,
            OCI_MANIFEST,
        )
        .await;
    refused(&bad, 400, "TAG_INVALID");
    assert_eq!(
        client.head("/v2/p/app/manifests/ok").await.status,
        StatusCode::NOT_FOUND,
        "all tags or none"
    );
}

#[sqlx::test]
async fn too_large_manifests(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let manifest = |size: usize| {
        let frame = "{\"schemaVersion\":2,\"manifests\":[],\"x\":\"\"}".len();
        format!(
            "{{\"schemaVersion\":2,\"manifests\":[],\"x\":\"{}\"}}",
            "a".repeat(size - frame)
        )
        .into_bytes()
    };
    let largest = 4 * 1024 * 1024;
    assert_eq!(
        client
            .put("p/app", "big", &manifest(largest), OCI_INDEX)
            .await
            .status,
        StatusCode::CREATED
    );
    refused(
        &client
            .put("p/app", "big", &manifest(largest + 1), OCI_INDEX)
            .await,
        413,
        "REQUEST_ENTITY_TOO_LARGE",
    );
    let promised = client.send(
        Method::PUT,
        "/v2/p/app/manifests/big",
        &[("content-length", "5000000")],
        "{}".into(),
    );
    refused(&promised.await, 413, "REQUEST_ENTITY_TOO_LARGE");
}

#[sqlx::test]
async fn a_push_is_told_once_in_its_own_transaction(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let events = async || number(&app, "SELECT count(*) FROM events").await;
    assert_eq!(events().await, 2, "artifact.pushed and tag.created");
    assert_eq!(
        number(&app, "SELECT count(*) FROM audit_log WHERE operation = 'create'").await,
        1
    );
    assert_eq!(
        client
            .put("p/app", "v1", &image.manifest, OCI_MANIFEST)
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(events().await, 2, "nothing changed");
    client.put("p/app", "v2", &image.manifest, OCI_MANIFEST).await;
    assert_eq!(events().await, 4);
    let lost = image_document(&Digest::sha256(b"lost"), 1, &image.layer, 5);
    client.put("p/app", "v1", &bytes(&lost), OCI_MANIFEST).await;
    assert_eq!(events().await, 4, "what was refused is not told");
}
