use axum::http::StatusCode;
use serde_json::{Value, json};
use slipway_model::Digest;
use slipway_model::manifest::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use sqlx::PgPool;

use super::support::{Client, image_document, index_document, json_of, number, refused};
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
async fn p39_media_types_fields_and_emptiness_are_not_judged(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let config = client.blob("p/app", b"{\"nul\":\"\\u0000\",\"n\":1e400}").await;
    let layer = client.blob("p/app", b"layer").await;
    let base = image_document(&config, 26, &layer, 5);
    let edited = |edit: fn(&mut Value)| {
        let mut document = base.clone();
        edit(&mut document);
        bytes(&document)
    };
    let odd: [(&str, Vec<u8>); 6] = [
        (
            "types",
            edited(|d| {
                d["config"]["mediaType"] = json!("application/vnd.x");
                d["layers"][0]["mediaType"] = json!("application/vnd.y+zstd");
                d["foo"] = json!({"deep": [1, 2.5, null]});
            }),
        ),
        ("no-layers", edited(|d| d["layers"] = json!([]))),
        ("null-layers", edited(|d| d["layers"] = Value::Null)),
        (
            "subject",
            edited(|d| {
                d["subject"] = json!({"mediaType": OCI_MANIFEST, "digest": Digest::sha256(b"s"), "size": 3, "platform": {"os": "x"}});
            }),
        ),
        ("nul", edited(|d| d["annotations"] = json!({"a\u{0}b": "c\u{0}"}))),
        (
            "artifact",
            edited(|d| d["artifactType"] = json!("application/vnd.example+type")),
        ),
    ];
    for (tag, manifest) in &odd {
        let answer = client.put("p/app", tag, manifest, OCI_MANIFEST).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{tag}: {answer:?}");
        assert_eq!(
            client.get(&format!("/v2/p/app/manifests/{tag}")).await.body,
            *manifest,
            "{tag}"
        );
    }
    let docker = edited(|d| d["mediaType"] = json!(DOCKER_MANIFEST));
    assert_eq!(
        client
            .put("p/app", "docker", &docker, DOCKER_MANIFEST)
            .await
            .status,
        StatusCode::CREATED
    );
    let child = Digest::sha256(&docker);
    let mut list = index_document([(&child, docker.len())].into_iter());
    list["mediaType"] = json!(DOCKER_LIST);
    list["manifests"][0]["mediaType"] = json!(DOCKER_MANIFEST);
    list["manifests"][0]["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    assert_eq!(
        client
            .put("p/app", "list", &bytes(&list), DOCKER_LIST)
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(
        client
            .get("/v2/p/app/manifests/list")
            .await
            .header("content-type"),
        DOCKER_LIST
    );
    let empty = index_document([].into_iter());
    assert_eq!(
        client
            .put("p/app", "empty", &bytes(&empty), OCI_INDEX)
            .await
            .status,
        StatusCode::CREATED
    );
    let untyped = b"{\"schemaVersion\":2,\"manifests\":[]}";
    assert_eq!(
        client.put("p/app", "untyped", untyped, OCI_INDEX).await.status,
        StatusCode::CREATED
    );
    // A sloppy writer's nulls say nothing.
    let nulls = edited(|d| {
        d["layers"][0]["mediaType"] = Value::Null;
        d["config"]["annotations"] = Value::Null;
        d["config"]["data"] = Value::Null;
        d["subject"] = Value::Null;
        d["annotations"] = Value::Null;
        d["artifactType"] = Value::Null;
    });
    assert_eq!(
        client.put("p/app", "nulls", &nulls, OCI_MANIFEST).await.status,
        StatusCode::CREATED
    );
    // And every page about them can be shown.
    let api = "/api/v2.0/projects/p/repositories/app/artifacts";
    let every = "with_tag=true&with_accessory=true&with_label=true&with_scan_overview=true&with_sbom_overview=true\
                 &with_immutable_status=true&with_signature=true";
    for page in 1..=4 {
        let list = app
            .get(&client.who, &format!("{api}?page={page}&page_size=3&{every}"))
            .await;
        assert_eq!(list.status, StatusCode::OK, "{list:?}");
    }
    let tags = json_of(&client.get("/v2/p/app/tags/list").await);
    for tag in tags["tags"].as_array().unwrap() {
        let tag = tag.as_str().unwrap();
        for page in ["", "/tags", "/accessories", "/additions/build_history"] {
            let answer = app.get(&client.who, &format!("{api}/{tag}{page}?{every}")).await;
            // What has no history says so.
            let shown = answer.status == StatusCode::OK
                || page.ends_with("history") && answer.status.is_client_error();
            assert!(shown, "{tag}{page}: {answer:?}");
        }
    }
}

#[sqlx::test]
async fn p39_structure_is_judged(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let deep = format!(
        "{{\"schemaVersion\":2,\"x\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    for (bad, media_type) in [
        ("", OCI_MANIFEST),
        ("not json", OCI_MANIFEST),
        ("[]", OCI_MANIFEST),
        ("{}", OCI_MANIFEST),
        ("{\"schemaVersion\":2}", OCI_MANIFEST),
        (
            "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:zz\",\"size\":1}}",
            OCI_MANIFEST,
        ),
        ("{\"schemaVersion\":2,\"manifests\":[]}", "application/json"),
        (
            "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}",
            OCI_MANIFEST,
        ),
        (&deep, OCI_INDEX),
    ] {
        refused(
            &client.put("p/app", "bad", bad.as_bytes(), media_type).await,
            400,
            "MANIFEST_INVALID",
        );
    }
    assert_eq!(number(&app, "SELECT count(*) FROM repositories").await, 0);
}

#[sqlx::test]
async fn p40_empty_config_and_inline_data(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let (empty, braces) = (client.blob("p/app", b"").await, client.blob("p/app", b"{}").await);
    let document = image_document(&empty, 0, &braces, 2);
    assert_eq!(
        client
            .put("p/app", "empty", &bytes(&document), OCI_MANIFEST)
            .await
            .status,
        StatusCode::CREATED
    );
    let mut inline = image_document(&braces, 2, &empty, 0);
    inline["config"]["data"] = json!("e30=");
    assert_eq!(
        client
            .put("p/app", "inline", &bytes(&inline), OCI_MANIFEST)
            .await
            .status,
        StatusCode::CREATED
    );
    inline["config"]["data"] = json!("e31=");
    refused(
        &client.put("p/app", "lie", &bytes(&inline), OCI_MANIFEST).await,
        400,
        "MANIFEST_INVALID",
    );
    // Inline data never stands in for the blob.
    let mut absent = image_document(&Digest::sha256(b"[]"), 2, &empty, 0);
    absent["config"]["data"] = json!("W10=");
    refused(
        &client.put("p/app", "absent", &bytes(&absent), OCI_MANIFEST).await,
        400,
        "MANIFEST_BLOB_UNKNOWN",
    );
}

#[sqlx::test]
async fn p41_missing_content_is_named_each(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let present = client.image("p/app", "v1", "layer").await;
    let absent = [Digest::sha256(b"a"), Digest::sha256(b"b")];
    let index = index_document([(&absent[0], 1), (&present.digest, 1), (&absent[1], 1)].into_iter());
    let image = image_document(&absent[0], 1, &absent[1], 1);
    for (document, media_type) in [(&index, OCI_INDEX), (&image, OCI_MANIFEST)] {
        let answer = client.put("p/app", "bad", &bytes(document), media_type).await;
        refused(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
        let body = json_of(&answer);
        let errors = body["errors"].as_array().unwrap();
        let mut named: Vec<&str> = errors
            .iter()
            .map(|e| e["detail"]["digest"].as_str().unwrap())
            .collect();
        named.sort_unstable();
        let mut wanted = absent.each_ref().map(Digest::as_str);
        wanted.sort_unstable();
        assert_eq!(named, wanted);
    }
    refused(
        &client.get("/v2/p/app/manifests/bad").await,
        404,
        "MANIFEST_UNKNOWN",
    );
    let (digest, answer) = client.index("p/app", "good", &[&present]).await;
    assert_eq!(
        (answer.status, answer.header("docker-content-digest")),
        (StatusCode::CREATED, digest.as_str())
    );
    let row: i64 = number(&app, "SELECT content_size FROM manifests WHERE is_index").await;
    let body = client.get("/v2/p/app/manifests/good").await.body.len() + present.manifest.len() + 14 + 5;
    assert_eq!(row, body as i64);
}

#[sqlx::test]
async fn p41_content_of_another_repository_is_missing_here(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let image = client.image("p/one", "v1", "layer").await;
    refused(
        &client.put("p/two", "v1", &image.manifest, OCI_MANIFEST).await,
        400,
        "MANIFEST_BLOB_UNKNOWN",
    );
}

#[sqlx::test]
async fn p41_sparse_indexes_are_taken_where_the_settings_say_so(pool: PgPool) {
    let app = TestApp::with_config(pool, |config| config.sparse_indexes = true).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let present = client.image("p/app", "", "layer").await;
    let later = image_document(&present.config, 14, &present.config, 14);
    let (later, nowhere) = (bytes(&later), Digest::sha256(b"nowhere"));
    let absent = Digest::sha256(&later);
    let children = [
        (&present.digest, present.manifest.len()),
        (&absent, later.len()),
        (&nowhere, 5),
    ];
    let index = bytes(&index_document(children.into_iter()));
    let put = client.put("p/app", "multi", &index, OCI_INDEX).await;
    assert_eq!(
        (put.status, put.header("docker-content-digest")),
        (StatusCode::CREATED, Digest::sha256(&index).as_str()),
        "{put:?}"
    );
    assert_eq!(client.get("/v2/p/app/manifests/multi").await.body, index);
    let child = async |digest: &Digest| client.get(&format!("/v2/p/app/manifests/{digest}")).await;
    assert_eq!(child(&present.digest).await.body, present.manifest);
    for digest in [&absent, &nowhere] {
        refused(&child(digest).await, 404, "MANIFEST_UNKNOWN");
    }
    // A child that comes later is one like any other: it is not removed under its index.
    let put = client.put("p/app", absent.as_str(), &later, OCI_MANIFEST).await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    assert_eq!(child(&absent).await.body, later);
    let uri = format!("/v2/p/app/manifests/{absent}");
    refused(&client.delete(&uri).await, 405, "UNSUPPORTED");

    // The management API shows it, and copies what there is of it.
    let base = "/api/v2.0/projects/p/repositories";
    let shown = app
        .get(&app.admin(), &format!("{base}/app/artifacts/multi"))
        .await;
    let shown = shown.json();
    let digests: Vec<_> = shown["references"]
        .as_array()
        .unwrap()
        .iter()
        .map(|child| child["child_digest"].as_str().unwrap())
        .collect();
    assert_eq!(
        digests,
        [present.digest.as_str(), absent.as_str(), nowhere.as_str()]
    );
    let copy = format!("{base}/copy/artifacts?from=p/app:multi");
    let copied = app.send(&app.admin(), axum::http::Method::POST, &copy).await;
    assert_eq!(copied.status, StatusCode::CREATED, "{copied:?}");
    assert_eq!(client.get("/v2/p/copy/manifests/multi").await.body, index);

    // Blobs are needed all the same.
    let image = bytes(&image_document(&present.config, 14, &nowhere, 5));
    let answer = client.put("p/app", "bad", &image, OCI_MANIFEST).await;
    refused(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
}

#[sqlx::test]
async fn p44_schema_1_is_refused(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let document = br#"{"schemaVersion":1,"name":"p/app","tag":"s1"}"#;
    for media_type in [
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v1+json",
        DOCKER_MANIFEST,
    ] {
        let answer = client.put("p/app", "s1", document, media_type).await;
        refused(&answer, 400, "MANIFEST_INVALID");
        assert!(String::from_utf8_lossy(&answer.body).contains("schema version 1"));
    }
}

#[sqlx::test]
async fn p46_foreign_layers_may_be_absent_and_others_not(pool: PgPool) {
    let app = registry(pool).await;
    let client = Client::admin(&app);
    let config = client.blob("p/app", b"{}").await;
    let mut document = image_document(&config, 2, &Digest::sha256(b"elsewhere"), 9);
    document["layers"][0]["urls"] = json!(["http://127.0.0.1:9/x"]);
    refused(
        &client.put("p/app", "w", &bytes(&document), OCI_MANIFEST).await,
        400,
        "MANIFEST_BLOB_UNKNOWN",
    );
    for foreign in [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    ] {
        document["layers"][0]["mediaType"] = json!(foreign);
        let answer = client.put("p/app", "w", &bytes(&document), OCI_MANIFEST).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{foreign}: {answer:?}");
    }
    // A config and a child are needed whatever their type.
    document["config"] = json!({"mediaType": "application/vnd.docker.container.image.v1+json",
        "digest": Digest::sha256(b"absent"), "size": 6});
    refused(
        &client.put("p/app", "w", &bytes(&document), OCI_MANIFEST).await,
        400,
        "MANIFEST_BLOB_UNKNOWN",
    );
}
