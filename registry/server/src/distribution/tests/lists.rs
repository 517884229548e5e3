use axum::http::StatusCode;
use serde_json::{Value, json};
use slipway_model::Digest;
use slipway_model::manifest::{OCI_INDEX, OCI_MANIFEST};
use sqlx::PgPool;

use super::support::{Client, image_document, json_of, refused};
use crate::testing::{As, TestApp};

/// Follows `Link` to the end and returns all pages.
async fn pages(client: &Client<'_>, first: &str) -> Vec<Value> {
    let (mut pages, mut uri) = (Vec::new(), first.to_owned());
    loop {
        let answer = client.get(&uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.body.len() <= 4 << 20);
        pages.push(json_of(&answer));
        let link = answer.header("link");
        if link.is_empty() {
            return pages;
        }
        let next = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""));
        next.unwrap_or_else(|| panic!("{link}")).clone_into(&mut uri);
        assert!(uri.starts_with("/v2/"), "{uri}");
        assert!(pages.len() < 100);
    }
}

#[sqlx::test]
async fn p53_empty_is_a_list_and_never_pushed_is_404(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    refused(&client.get("/v2/p/never/tags/list").await, 404, "NAME_UNKNOWN");
    client.image("p/app", "v1", "layer").await;
    assert_eq!(
        client.delete("/v2/p/app/manifests/v1").await.status,
        StatusCode::ACCEPTED
    );
    let answer = client.get("/v2/p/app/tags/list").await;
    assert_eq!(
        (answer.status, json_of(&answer)["tags"].clone()),
        (StatusCode::OK, json!([]))
    );
    // Blobs alone are no repository that anybody sees.
    client.blob("p/blobs-only", b"x").await;
    refused(
        &client.get("/v2/p/blobs-only/tags/list").await,
        404,
        "NAME_UNKNOWN",
    );
    assert_eq!(
        json_of(&client.get("/v2/_catalog").await)["repositories"],
        json!(["p/app"])
    );
}

#[sqlx::test]
async fn tags_in_pages(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "b", "layer").await;
    for tag in ["a", "A", "_x", "1.10", "1.9", "b-1", "b.1"] {
        client.put("p/app", tag, &image.manifest, OCI_MANIFEST).await;
    }
    let sorted = json!(["1.10", "1.9", "A", "_x", "a", "b", "b-1", "b.1"]);
    let tags = async |query: &str| {
        json_of(&client.get(&format!("/v2/p/app/tags/list{query}")).await)["tags"].clone()
    };
    assert_eq!(tags("").await, sorted);
    assert_eq!(tags("?n=100").await, sorted);
    assert_eq!(tags("?n=99999999999999999999").await, sorted);
    assert_eq!(tags("?n=2&last=_x").await, json!(["a", "b"]));
    assert_eq!(tags("?last=b").await, json!(["b-1", "b.1"]));
    assert_eq!(tags("?n=2&last=nosuch").await, json!([]));
    let none = client.get("/v2/p/app/tags/list?n=0").await;
    assert_eq!(
        (json_of(&none)["tags"].clone(), none.header("link")),
        (json!([]), "")
    );
    let all = pages(&client, "/v2/p/app/tags/list?n=3").await;
    assert_eq!(all.len(), 3);
    let joined: Vec<Value> = all
        .iter()
        .flat_map(|page| page["tags"].as_array().unwrap().clone())
        .collect();
    assert_eq!(Value::from(joined), sorted);
    let exact = client.get("/v2/p/app/tags/list?n=8").await;
    assert_eq!(exact.header("link"), "", "no page follows");
    for bad in ["-1", "x", "", "1.5"] {
        refused(
            &client.get(&format!("/v2/p/app/tags/list?n={bad}")).await,
            400,
            "BAD_REQUEST",
        );
    }
}

#[sqlx::test]
async fn the_catalog_is_for_administrators(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    let client = Client::admin(&app);
    for name in ["p/c", "p/a", "p/b/x", "library/z"] {
        client.image(name, "v1", name).await;
    }
    let all = pages(&client, "/v2/_catalog?n=3").await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["repositories"], json!(["library/z", "p/a", "p/b/x"]));
    assert_eq!(all[1]["repositories"], json!(["p/c"]));
    assert_eq!(
        json_of(&client.get("/v2/_catalog?last=p/a&n=1").await)["repositories"],
        json!(["p/b/x"])
    );
    assert_eq!(
        json_of(&client.get("/v2/_catalog?n=0").await)["repositories"],
        json!([])
    );
    refused(&client.get("/v2/_catalog?n=x").await, 400, "BAD_REQUEST");
    let token = Client::with_token(&app, &app.admin(), &["registry:catalog:*"]).await;
    assert_eq!(token.get("/v2/_catalog").await.status, StatusCode::OK);
    let bob = app.create_user("bob").await;
    app.add_member(p, "bob", 1).await;
    refused(&Client::of(&app, &bob).get("/v2/_catalog").await, 403, "DENIED");
    let bobs = Client::with_token(&app, &bob, &["registry:catalog:*"]).await;
    refused(&bobs.get("/v2/_catalog").await, 401, "UNAUTHORIZED");
    refused(
        &Client::of(&app, &As::Nobody).get("/v2/_catalog").await,
        401,
        "UNAUTHORIZED",
    );
}

#[sqlx::test]
async fn p47_referrers(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let none = client
        .get(&format!("/v2/p/app/referrers/sha256:{}", "4".repeat(64)))
        .await;
    assert_eq!(
        (none.status, none.header("content-type")),
        (StatusCode::OK, OCI_INDEX)
    );
    assert_eq!(
        json_of(&none),
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    );
    let nowhere = client
        .get(&format!("/v2/p/never/referrers/{}", image.digest))
        .await;
    assert_eq!(json_of(&nowhere)["manifests"], json!([]));
    for bad in ["sha256:zz", "md5:00", "v1"] {
        refused(
            &client.get(&format!("/v2/p/app/referrers/{bad}")).await,
            400,
            "DIGEST_INVALID",
        );
    }

    let subject = json!({"mediaType": OCI_MANIFEST, "digest": image.digest, "size": image.manifest.len()});
    let mut typed = image_document(&image.config, 14, &image.layer, 5);
    typed["subject"] = subject.clone();
    typed["artifactType"] = json!("application/vnd.example.sbom");
    typed["annotations"] = json!({"a": "b"});
    let mut by_config = image_document(&image.config, 14, &image.layer, 5);
    by_config["subject"] = subject.clone();
    by_config["config"]["mediaType"] = json!("application/vnd.example.config");
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": subject});
    let mut digests = Vec::new();
    for (document, media_type) in [
        (&typed, OCI_MANIFEST),
        (&by_config, OCI_MANIFEST),
        (&index, OCI_INDEX),
    ] {
        let bytes = document.to_string().into_bytes();
        let digest = Digest::sha256(&bytes);
        let answer = client.put("p/app", digest.as_str(), &bytes, media_type).await;
        assert_eq!(
            (answer.status, answer.header("oci-subject")),
            (StatusCode::CREATED, image.digest.as_str())
        );
        digests.push((digest, bytes.len()));
    }
    let list = json_of(&client.get(&format!("/v2/p/app/referrers/{}", image.digest)).await);
    let entry = |digest: &Digest| {
        let entries = list["manifests"].as_array().unwrap();
        assert_eq!(entries.len(), 3);
        entries
            .iter()
            .find(|entry| entry["digest"] == json!(digest))
            .unwrap()
            .clone()
    };
    assert_eq!(
        entry(&digests[0].0),
        json!({"mediaType": OCI_MANIFEST, "digest": digests[0].0, "size": digests[0].1,
               "artifactType": "application/vnd.example.sbom", "annotations": {"a": "b"}})
    );
    assert_eq!(
        entry(&digests[1].0)["artifactType"],
        "application/vnd.example.config"
    );
    assert_eq!(entry(&digests[2].0).get("artifactType"), None);
    let uri = format!(
        "/v2/p/app/referrers/{}?artifactType=application%2Fvnd.example.sbom",
        image.digest
    );
    let filtered = client.get(&uri).await;
    assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
    assert_eq!(json_of(&filtered)["manifests"].as_array().unwrap().len(), 1);
}

#[sqlx::test]
async fn p47_many_referrers_come_in_pages(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::admin(&app);
    let image = client.image("p/app", "v1", "layer").await;
    let note = "n".repeat(3000);
    sqlx::query(
        "INSERT INTO manifests (repository_id, digest, media_type, is_index, subject_digest, annotations, bytes, content_size, push_time)
         SELECT m.repository_id, 'sha256:' || encode(sha256(n::text::bytea), 'hex'), m.media_type, false, m.digest,
                jsonb_build_object('note', $1::text), m.bytes, 1, m.push_time
         FROM manifests m, generate_series(1, 3000) AS n",
    )
    .bind(&note)
    .execute(&app.app.pool)
    .await
    .unwrap();
    let all = format!("/v2/p/app/referrers/{}", image.digest);
    let digests = async |uri: &str| {
        let pages = pages(&client, uri).await;
        let entries = pages
            .iter()
            .flat_map(|page| page["manifests"].as_array().unwrap());
        let mut digests: Vec<String> = entries
            .map(|entry| entry["digest"].as_str().unwrap().to_owned())
            .collect();
        let count = digests.len();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), count, "none comes twice");
        (digests, pages.len())
    };
    let (every, pages) = digests(&all).await;
    assert!(every.len() == 3000 && pages >= 3, "{pages} pages");
    // The filter goes on from page to page, whatever is in its text, and each page says that it was applied.
    let odd = "application/vnd.example+type;a=\"b&c\"";
    sqlx::query(
        "UPDATE manifests SET artifact_type = $1 WHERE subject_digest IS NOT NULL AND digest < 'sha256:c'",
    )
    .bind(odd)
    .execute(&app.app.pool)
    .await
    .unwrap();
    let escaped: String = url::form_urlencoded::byte_serialize(odd.as_bytes()).collect();
    let filter = format!("{all}?artifactType={escaped}");
    let first = client.get(&filter).await;
    assert_eq!(first.header("oci-filters-applied"), "artifactType");
    let link = first
        .header("link")
        .trim_start_matches('<')
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        client.get(&link).await.header("oci-filters-applied"),
        "artifactType"
    );
    let (some, pages) = digests(&filter).await;
    let wanted: Vec<String> = every
        .into_iter()
        .filter(|digest| digest.as_str() < "sha256:c")
        .collect();
    assert!(
        some == wanted && pages >= 2,
        "{pages} pages, {} of {}",
        some.len(),
        wanted.len()
    );
    let (none, _) = digests(&format!("{all}?artifactType=application/none")).await;
    assert!(none.is_empty());
}
