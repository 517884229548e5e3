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

/// Everything that carries a digest: blobs, mounts, references of manifests, children, subjects, removal.
#[sqlx::test]
async fn p45_sha512_everywhere(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let of = |bytes: &[u8]| Digest::of(Algorithm::Sha512, bytes);
    let (config, layer) = (of(b"{}"), of(b"layer"));
    for (digest, body) in [(&config, "{}"), (&layer, "layer")] {
        let location = client.begin("p/app").await;
        let done = client.finish(&location, digest, body).await;
        assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    }
    let mount = format!("/v2/p/other/blobs/uploads/?mount={layer}&from=p/app");
    let mounted = client.post(&mount).await;
    assert_eq!(
        (mounted.status, mounted.header("docker-content-digest")),
        (StatusCode::CREATED, layer.as_str())
    );
    // No aliasing: the same bytes under sha256 are not there.
    let alias = format!(
        "/v2/p/other/blobs/uploads/?mount={}&from=p/app",
        Digest::sha256(b"layer")
    );
    assert_eq!(client.post(&alias).await.status, StatusCode::ACCEPTED);

    let manifest = bytes(&image_document(&config, 2, &layer, 5));
    let digest = of(&manifest);
    let put = client
        .put("p/app", digest.as_str(), &manifest, OCI_MANIFEST)
        .await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    let index = bytes(&index_document([(&digest, manifest.len())].into_iter()));
    assert_eq!(
        client
            .put("p/app", of(&index).as_str(), &index, OCI_INDEX)
            .await
            .status,
        StatusCode::CREATED
    );
    // By tag the digest is sha256, and a child by that digest is another one, which is not there.
    let aliased = bytes(&index_document(
        [(&Digest::sha256(&manifest), manifest.len())].into_iter(),
    ));
    refused(
        &client.put("p/app", "aliased", &aliased, OCI_INDEX).await,
        400,
        "MANIFEST_BLOB_UNKNOWN",
    );
    let mut signature = image_document(&config, 2, &config, 2);
    signature["subject"] = json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": manifest.len()});
    let signature = bytes(&signature);
    let signed = client
        .put("p/app", of(&signature).as_str(), &signature, OCI_MANIFEST)
        .await;
    assert_eq!(
        (signed.status, signed.header("oci-subject")),
        (StatusCode::CREATED, digest.as_str())
    );
    let list = super::support::json_of(&client.get(&format!("/v2/p/app/referrers/{digest}")).await);
    assert_eq!(list["manifests"][0]["digest"], of(&signature).as_str());
    let other = super::support::json_of(
        &client
            .get(&format!("/v2/p/app/referrers/{}", Digest::sha256(&manifest)))
            .await,
    );
    assert_eq!(other["manifests"], json!([]));
    assert_eq!(
        client
            .delete(&format!("/v2/p/app/manifests/{}", of(&signature)))
            .await
            .status,
        StatusCode::ACCEPTED
    );

    // Whatever is neither of the two is refused where it stands.
    for bad in [
        format!("sha384:{}", "0".repeat(96)),
        format!("md5:{}", "0".repeat(32)),
        format!("sha512:{}", "0".repeat(64)),
        format!("sha256:{}", "A".repeat(64)),
        format!("SHA256:{}", "0".repeat(64)),
    ] {
        for (method, uri) in [
            (Method::GET, format!("/v2/p/app/blobs/{bad}")),
            (Method::DELETE, format!("/v2/p/app/blobs/{bad}")),
            (Method::GET, format!("/v2/p/app/manifests/{bad}")),
            (Method::PUT, format!("/v2/p/app/manifests/{bad}")),
            (Method::DELETE, format!("/v2/p/app/manifests/{bad}")),
            (Method::GET, format!("/v2/p/app/referrers/{bad}")),
            (
                Method::POST,
                format!("/v2/p/app/blobs/uploads/?mount={bad}&from=p/app"),
            ),
            (Method::POST, format!("/v2/p/app/blobs/uploads/?digest={bad}")),
        ] {
            let headers = [("content-type", OCI_MANIFEST)];
            let answer = client
                .send(method, &uri, &headers, Body::from(manifest.clone()))
                .await;
            refused(&answer, 400, "DIGEST_INVALID");
        }
    }
    for algorithm in ["md5", "sha384", "SHA256", "sha512%20"] {
        let uri = format!("/v2/p/app/blobs/uploads/?digest-algorithm={algorithm}");
        refused(&client.post(&uri).await, 400, "DIGEST_INVALID");
    }
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

/// The specification's tag schema: a client that does not know the API keeps the list of referrers itself, under a tag. What it
/// pushes with a subject is in the API's list too, and its tag stays its own.
#[sqlx::test]
async fn p49_the_fallback_tag_and_the_api_live_together(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let subject = client.image("p/app", "v1", "layer").await;
    let long = Digest::of(Algorithm::Sha512, &subject.manifest);
    // The tag of a sha512 digest is cut, so that it is no tag too long.
    let cut = long.as_str().replace(':', "-")[..71].to_owned();
    let tag = subject.digest.as_str().replace(':', "-");
    let mut entries = Vec::new();
    for n in 0..3 {
        let mut document = image_document(&subject.config, 14, &subject.layer, 5);
        document["subject"] =
            json!({"mediaType": OCI_MANIFEST, "digest": subject.digest, "size": subject.manifest.len()});
        document["artifactType"] = json!(format!("application/vnd.example.{n}"));
        let document = bytes(&document);
        let digest = Digest::sha256(&document);
        let put = client
            .put("p/app", digest.as_str(), &document, OCI_MANIFEST)
            .await;
        assert_eq!(put.status, StatusCode::CREATED);
        entries.push((digest, document.len()));
        let list = bytes(&index_document(
            entries.iter().map(|(digest, size)| (digest, *size)),
        ));
        for tag in [&tag, &cut] {
            let put = client.put("p/app", tag, &list, OCI_INDEX).await;
            assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
            let got = client.get(&format!("/v2/p/app/manifests/{tag}")).await;
            assert_eq!(
                (got.header("content-type"), &got.body[..]),
                (OCI_INDEX, &list[..])
            );
        }
    }
    let listed = async || {
        let answer = client
            .get(&format!("/v2/p/app/referrers/{}", subject.digest))
            .await;
        let list = super::support::json_of(&answer)["manifests"].clone();
        let digests: Vec<String> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["digest"].as_str().unwrap().to_owned())
            .collect();
        digests
    };
    let mut wanted: Vec<String> = entries.iter().map(|(digest, _)| digest.to_string()).collect();
    wanted.sort();
    assert_eq!(listed().await, wanted, "neither less nor the list itself");
    // The tag's removal takes nothing from the list; a referrer's does.
    assert_eq!(
        client.delete(&format!("/v2/p/app/manifests/{tag}")).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(listed().await, wanted);
    client.delete(&format!("/v2/p/app/manifests/{cut}")).await;
    let tags = super::support::json_of(&client.get("/v2/p/app/tags/list").await);
    assert_eq!(tags["tags"], json!(["v1"]));
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
