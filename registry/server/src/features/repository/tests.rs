use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::artifact::kind;
use crate::features::tests::push;
use crate::testing::{As, TestApp};

mod copy;
mod removal;

const HELLO: &str = "/api/v2.0/projects/alpha/repositories/hello";
const NEVER: &str = "0001-01-01T00:00:00.000Z";
const NOW: &str = "2026-01-02T03:04:05.000Z";

async fn alpha(pool: PgPool) -> (TestApp, As) {
    let app = TestApp::new(pool).await;
    app.create_project("alpha", false).await;
    let admin = app.admin();
    (app, admin)
}

fn digests(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|artifact| artifact["digest"].as_str().unwrap())
        .collect()
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.app.pool).await.unwrap()
}

#[test]
fn kinds_are_harbors() {
    for (index, artifact_type, config, kind) in [
        (
            false,
            None,
            Some("application/vnd.oci.image.config.v1+json"),
            "IMAGE",
        ),
        (true, None, None, "IMAGE"),
        (
            false,
            None,
            Some("application/vnd.cncf.helm.config.v1+json"),
            "CHART",
        ),
        (
            false,
            None,
            Some("application/vnd.acme.rocket.config.v1+json"),
            "ROCKET",
        ),
        (
            false,
            None,
            Some("application/vnd.acme.a.b.config.v1+json"),
            "A.B",
        ),
        (
            false,
            Some("application/spdx+json"),
            Some("application/vnd.oci.empty.v1+json"),
            "UNKNOWN",
        ),
        (false, None, None, "UNKNOWN"),
    ] {
        assert_eq!(
            kind::of(index, artifact_type, config),
            kind,
            "{artifact_type:?} {config:?}"
        );
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn repositories_are_listed_described_and_deleted(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    app.advance(chrono::TimeDelta::seconds(1));
    push::image(&app, "alpha/deep/er", Some("v1"), "two").await;
    // Blobs alone are nothing that one sees.
    push::blob(&app, &admin, "alpha/unfinished", b"x").await;

    let list = app.get(&admin, "/api/v2.0/projects/alpha/repositories").await;
    assert_eq!(list.header("x-total-count"), "2");
    let id = list.json()[1]["id"].clone();
    assert_eq!(
        list.json()[1],
        json!({
            "id": id, "project_id": 2, "name": "alpha/hello", "artifact_count": 1, "pull_count": 0,
            "creation_time": NOW, "update_time": NOW,
        })
    );
    for (query, total) in [
        ("q=name%3D~DEEP", 1),
        ("q=name%3Dalpha/hello", 1),
        ("q=name%3Dhello", 0),
        ("sort=nope", 2),
    ] {
        let answer = app
            .get(&admin, &format!("/api/v2.0/projects/alpha/repositories?{query}"))
            .await;
        assert_eq!(answer.header("x-total-count"), total.to_string(), "{query}");
    }
    for name in ["deep%252Fer", "deep%2Fer"] {
        let answer = app
            .get(&admin, &format!("/api/v2.0/projects/alpha/repositories/{name}"))
            .await;
        assert_eq!(answer.json()["name"], "alpha/deep/er", "{name}: {answer:?}");
    }
    for name in ["nope", "unfinished", "..%252Fhello", "A", "deep%252Fer%252F"] {
        let answer = app
            .get(&admin, &format!("/api/v2.0/projects/alpha/repositories/{name}"))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
    }
    let body = json!({"name": "renamed", "description": "<b>& more</b>"});
    assert_eq!(
        app.send_json(&admin, Method::PUT, HELLO, &body).await.status,
        StatusCode::OK
    );
    let read = app.get(&admin, HELLO).await.json();
    assert_eq!(
        (&read["description"], &read["name"]),
        (&json!("<b>& more</b>"), &json!("alpha/hello"))
    );

    assert_eq!(
        app.send(&admin, Method::DELETE, HELLO).await.status,
        StatusCode::OK
    );
    assert_eq!(
        app.send(&admin, Method::DELETE, HELLO).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        app.get(&admin, "/v2/alpha/hello/manifests/v1").await.status,
        StatusCode::NOT_FOUND
    );
    let payload: Value = sqlx::query_scalar("SELECT payload FROM events WHERE kind = 'repository.deleted'")
        .fetch_one(&app.app.pool)
        .await
        .unwrap();
    assert_eq!(
        (&payload["tags"], &payload["by"]),
        (&json!(["v1"]), &json!("admin"))
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn an_artifact_has_harbors_shape(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let image = push::image(&app, "alpha/deep/er", Some("v1"), "one").await;
    let path = "/api/v2.0/projects/alpha/repositories/deep%252Fer/artifacts";
    let by_tag = app.get(&admin, &format!("{path}/v1?with_label=true")).await;
    let by_digest = app
        .get(&admin, &format!("{path}/{}?with_label=true", image.digest))
        .await;
    assert_eq!(by_tag.json(), by_digest.json());
    let mut artifact = by_tag.json();
    for name in ["id", "repository_id", "size"] {
        assert!(artifact[name].as_i64().unwrap() > 0);
        artifact[name] = json!(0);
    }
    let tag = artifact["tags"][0].as_object_mut().unwrap();
    for name in ["id", "artifact_id", "repository_id"] {
        assert!(tag.insert(name.to_owned(), json!(0)).unwrap().as_i64().unwrap() > 0);
    }
    let href = format!(
        "/api/v2.0/projects/alpha/repositories/deep%252Fer/artifacts/{}/additions/build_history",
        image.digest
    );
    assert_eq!(
        artifact,
        json!({
            "id": 0, "project_id": 2, "repository_id": 0, "repository_name": "alpha/deep/er", "type": "IMAGE",
            "digest": image.digest, "size": 0,
            "media_type": "application/vnd.oci.image.config.v1+json",
            "manifest_media_type": "application/vnd.oci.image.manifest.v1+json",
            "artifact_type": "application/vnd.oci.image.config.v1+json",
            "icon": "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06",
            "push_time": NOW, "pull_time": NEVER,
            "extra_attrs": {
                "architecture": "amd64", "os": "linux", "author": "Slipway", "created": "2024-01-01T00:00:00Z",
                "config": {"Cmd": ["/app"]},
            },
            "references": null, "labels": [], "accessories": null,
            "tags": [{
                "id": 0, "artifact_id": 0, "repository_id": 0, "name": "v1", "push_time": NOW, "pull_time": NEVER,
                "immutable": false,
            }],
            "addition_links": {"build_history": {"href": href, "absolute": false}},
        })
    );
    let history = app.get(&admin, &href).await;
    assert_eq!(
        history.json(),
        json!([{"created": "2024-01-01T00:00:00Z", "created_by": "COPY one /"}])
    );
    let unknown = app
        .get(&admin, &href.replace("build_history", "values.yaml"))
        .await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let without = app.get(&admin, &format!("{path}?with_tag=false")).await.json();
    assert_eq!(
        (&without[0]["tags"], &without[0]["labels"]),
        (&Value::Null, &Value::Null)
    );
    for reference in [
        "nope",
        "sha256:zz",
        "a%20b",
        &format!("sha256:{}", "0".repeat(64)),
    ] {
        let answer = app.get(&admin, &format!("{path}/{reference}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{reference}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn what_signs_an_index_is_shown_with_its_parts(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let part = push::image(&app, "alpha/hello", Some("part"), "part").await;
    let other = push::image(&app, "alpha/hello", Some("other"), "other").await;
    let index = push::index(&app, "alpha/hello", "multi", &[&part]).await;
    // The same image in another repository is no part of this index.
    push::image(&app, "alpha/elsewhere", Some("part"), "part").await;
    let notation = "application/vnd.cncf.notary.signature";
    let signature = push::referrer(&app, "alpha/hello", &index, notation).await;
    push::referrer(&app, "alpha/hello", &index, "application/spdx+json").await;
    push::referrer(&app, "alpha/hello", &other, notation).await;
    let inherited = async |path: &str| {
        let artifact = app.get(&admin, path).await.json();
        artifact.get("inherited_accessories").cloned()
    };
    let path = format!("{HELLO}/artifacts/part");
    let shown = inherited(&format!("{path}?with_inherited_accessory=true"))
        .await
        .unwrap();
    assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(
        (
            &shown[0]["type"],
            &shown[0]["digest"],
            &shown[0]["subject_artifact_digest"]
        ),
        (
            &json!("signature.notation"),
            &json!(signature.digest),
            &json!(index.digest)
        )
    );
    assert_eq!(inherited(&path).await, None);
    for none in ["other", "multi"] {
        let path = format!("{HELLO}/artifacts/{none}?with_inherited_accessory=true");
        assert_eq!(inherited(&path).await, None, "{none}");
    }
    for list in [
        format!("{HELLO}/artifacts"),
        "/api/v2.0/projects/alpha/artifacts".to_owned(),
    ] {
        let all = app
            .get(&admin, &format!("{list}?with_inherited_accessory=true"))
            .await
            .json();
        let holding: Vec<&Value> = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|artifact| artifact.get("inherited_accessories").is_some())
            .map(|artifact| &artifact["digest"])
            .collect();
        assert_eq!(holding, [&json!(part.digest)], "{list}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn h81_lists_hold_what_stands_on_its_own_and_say_what_refers_to_it(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let one = push::image(&app, "alpha/hello", None, "one").await;
    let two = push::image(&app, "alpha/hello", Some("two"), "two").await;
    let untagged = push::image(&app, "alpha/hello", None, "three").await;
    app.advance(chrono::TimeDelta::seconds(1));
    let index = push::index(&app, "alpha/hello", "multi", &[&one, &two]).await;
    let sbom = push::referrer(&app, "alpha/hello", &index, "application/spdx+json").await;
    let list = async |query: &str| app.get(&admin, &format!("{HELLO}/artifacts?{query}")).await;

    let all = list("with_accessory=true").await;
    assert_eq!(all.header("x-total-count"), "3");
    let first = &all.json()[0];
    assert_eq!(first["digest"], json!(index.digest));
    assert_eq!(
        (&first["type"], first.get("addition_links")),
        (&json!("IMAGE"), None)
    );
    assert_eq!(first["annotations"], json!({"title": "multi"}));
    assert_eq!(first["references"][0]["child_digest"], json!(one.digest));
    assert_eq!(first["references"][0]["parent_id"], first["id"]);
    assert_eq!(first["references"][0]["platform"]["variant"], "v8");
    assert_eq!(
        first["references"][1]["child_id"],
        app.get(&admin, &format!("{HELLO}/artifacts/two")).await.json()["id"]
    );
    assert_eq!(app.get(&admin, HELLO).await.json()["artifact_count"], 3);
    // What it is stands beside Harbor's word for it.
    assert_eq!(
        (
            &first["accessories"][0]["type"],
            &first["accessories"][0]["artifact_type"],
            &first["accessories"][0]["digest"]
        ),
        (
            &json!("subject.accessory"),
            &json!("application/spdx+json"),
            &json!(sbom.digest)
        )
    );
    let accessories = app
        .get(&admin, &format!("{HELLO}/artifacts/multi/accessories"))
        .await;
    assert_eq!(
        (accessories.header("x-total-count"), &accessories.json()[0]),
        ("1", &first["accessories"][0])
    );
    let cosign = "application/vnd.dev.cosign.artifact.sig.v1+json";
    let signature = push::referrer(&app, "alpha/hello", &index, cosign).await;
    for (query, total, newest) in [
        ("sort=-id", "2", Some(&signature)),
        ("sort=id", "2", Some(&sbom)),
        ("q=type%3Dsignature.cosign", "1", Some(&signature)),
        ("q=type%3Dsubject.accessory", "1", Some(&sbom)),
        (
            "q=type%3D%7Bsubject.accessory%20signature.cosign%7D",
            "2",
            Some(&sbom),
        ),
        ("q=type%3Dsignature.notation", "0", None),
        ("sort=-id&page=2&page_size=1", "2", Some(&sbom)),
    ] {
        let path = format!("{HELLO}/artifacts/multi/accessories?{query}");
        let list = app.get(&admin, &path).await;
        assert_eq!(list.header("x-total-count"), total, "{query}");
        assert_eq!(
            list.json()[0]["digest"].as_str(),
            newest.map(|pushed| pushed.digest.as_str()),
            "{query}"
        );
    }

    for (query, total) in [
        ("q=base%3D*", 4),
        ("q=tags%3D*", 2),
        ("q=tags%3Dnil", 1),
        ("q=tags%3Dtwo", 1),
        ("q=tags%3D~ul", 1),
        ("q=tags%3D~UL", 0),
        ("q=media_type%3Dapplication/vnd.oci.image.index.v1%252Bjson", 1),
        ("page_size=1", 3),
    ] {
        assert_eq!(
            list(query).await.header("x-total-count"),
            total.to_string(),
            "{query}"
        );
    }
    assert_eq!(
        digests(&list("q=tags%3Dnil").await.json()),
        [untagged.digest.as_str()]
    );
    let nowhere = app
        .get(&admin, "/api/v2.0/projects/alpha/repositories/nope/artifacts")
        .await;
    assert_eq!((nowhere.status, nowhere.json()), (StatusCode::OK, json!([])));
}

#[sqlx::test(migrations = "./migrations")]
async fn h65_ten_thousand_tags_are_no_burden(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    sqlx::query(
        "INSERT INTO tags (repository_id, name, manifest_id, push_time)
         SELECT repository_id, 't' || n, manifest_id, push_time + n * interval '1 s'
         FROM tags, generate_series(1, 10000) n",
    )
    .execute(&app.app.pool)
    .await
    .unwrap();
    let artifacts = app.get(&admin, &format!("{HELLO}/artifacts")).await.json();
    let tags = artifacts[0]["tags"].as_array().unwrap();
    assert_eq!((tags.len(), &tags[0]["name"]), (1000, &json!("t10000")));
    let list = app
        .get(
            &admin,
            &format!("{HELLO}/artifacts/v1/tags?page_size=15&page=667"),
        )
        .await;
    assert_eq!(
        (
            list.header("x-total-count"),
            list.json().as_array().unwrap().len()
        ),
        ("10001", 11)
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn repositories_of_all_projects_are_those_that_are_seen(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    push::image(&app, "library/hello", Some("v1"), "one").await;
    let outsider = app.create_user("outsider").await;
    let lister = app
        .create_robot((2, "alpha"), "lister", &[("repository", "list")])
        .await;
    let puller = app
        .create_robot((2, "alpha"), "puller", &[("repository", "pull")])
        .await;
    for (who, total) in [
        (&admin, "2"),
        (&outsider, "1"),
        (&As::Nobody, "1"),
        (&lister, "2"),
        (&puller, "1"),
    ] {
        let answer = app.get(who, "/api/v2.0/repositories").await;
        assert_eq!(answer.header("x-total-count"), total, "{who:?}");
    }
}
