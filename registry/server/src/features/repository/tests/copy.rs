//! Copies between repositories, and the list over a whole project.

use slipway_model::manifest::OCI_MANIFEST;

use super::*;
use crate::testing::Answer;

const TARGET: &str = "/api/v2.0/projects/beta/repositories/copied/artifacts";

async fn copy(app: &TestApp, who: &As, target: &str, from: &str) -> Answer {
    let from = from.replace('@', "%40");
    app.send(who, Method::POST, &format!("{target}?from={from}"))
        .await
}

async fn copied(app: &TestApp, target: &str, from: &str) {
    let answer = copy(app, &app.admin(), target, from).await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::CREATED, 0),
        "{answer:?}"
    );
    let reference = from.rsplit_once('@').or_else(|| from.rsplit_once(':')).unwrap().1;
    let target = target.split('?').next().unwrap();
    assert_eq!(answer.header("location"), format!("{target}/{reference}"));
}

async fn used(app: &TestApp, project_id: i64) -> i64 {
    let quota = app
        .get(&app.admin(), &format!("/api/v2.0/quotas/{project_id}"))
        .await
        .json();
    quota["used"]["storage"].as_i64().unwrap()
}

async fn tags(app: &TestApp, repository: &str) -> Value {
    app.get(&app.admin(), &format!("/v2/{repository}/tags/list"))
        .await
        .json()["tags"]
        .clone()
}

async fn alpha_and_beta(pool: PgPool) -> (TestApp, As) {
    let (app, admin) = alpha(pool).await;
    assert_eq!(app.create_project("beta", false).await, 3);
    (app, admin)
}

#[sqlx::test(migrations = "./migrations")]
async fn h24_a_copy_takes_children_and_referrers_along_and_pulls_whole(pool: PgPool) {
    let (app, admin) = alpha_and_beta(pool).await;
    let one = push::image(&app, "alpha/hello", None, "one").await;
    let two = push::image(&app, "alpha/hello", None, "two").await;
    let index = push::index(&app, "alpha/hello", "multi", &[&one, &two]).await;
    let sbom = push::referrer(&app, "alpha/hello", &one, "application/spdx+json").await;
    let signature = push::referrer(
        &app,
        "alpha/hello",
        &sbom,
        "application/vnd.cncf.notary.signature",
    )
    .await;
    let cosign = format!(
        "sha256-{}.sig",
        index.digest.as_str().strip_prefix("sha256:").unwrap()
    );
    push::image(&app, "alpha/hello", Some(&cosign), "signature of the index").await;
    push::image(&app, "alpha/hello", Some("other"), "not wanted").await;
    let before = number(&app, "SELECT count(*) FROM blobs").await;

    copied(&app, TARGET, "alpha/hello:multi").await;
    assert_eq!(
        number(&app, "SELECT count(*) FROM blobs").await,
        before,
        "no new blob"
    );
    let manifests = "SELECT count(*) FROM manifests m JOIN repositories r ON r.id = m.repository_id WHERE r.name = 'beta/copied'";
    assert_eq!(number(&app, manifests).await, 6);
    assert_eq!(tags(&app, "beta/copied").await, json!(["multi", cosign]));
    for digest in [
        &index.digest,
        &one.digest,
        &two.digest,
        &sbom.digest,
        &signature.digest,
    ] {
        let answer = app
            .get(&admin, &format!("/v2/beta/copied/manifests/{digest}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let document = answer.json();
        let parts = document["layers"]
            .as_array()
            .into_iter()
            .flatten()
            .chain(document.get("config"));
        for part in parts {
            let blob = format!("/v2/beta/copied/blobs/{}", part["digest"].as_str().unwrap());
            assert_eq!(app.get(&admin, &blob).await.status, StatusCode::OK, "{blob}");
        }
    }
    let referrers = app
        .get(&admin, &format!("/v2/beta/copied/referrers/{}", one.digest))
        .await
        .json();
    assert_eq!(referrers["manifests"][0]["digest"], json!(sbom.digest));
    let listed = app
        .get(&admin, &format!("{TARGET}/{}?with_accessory=true", one.digest))
        .await
        .json();
    assert_eq!(listed["accessories"][0]["digest"], json!(sbom.digest));
    let read = app.get(&admin, &format!("{TARGET}/multi")).await.json();
    assert_eq!(read["references"].as_array().unwrap().len(), 2);

    // Everything counts, once, and goes when the copy goes.
    let sum = "SELECT (SELECT sum(b.size) FROM blobs b JOIN repository_blobs l ON l.digest = b.digest
                       JOIN repositories r ON r.id = l.repository_id WHERE r.name = 'beta/copied')::bigint
                    + (SELECT sum(octet_length(bytes)) FROM manifests m JOIN repositories r ON r.id = m.repository_id
                       WHERE r.name = 'beta/copied')::bigint";
    let whole = used(&app, 3).await;
    assert_eq!(whole, number(&app, sum).await);
    let events = "SELECT count(*) FROM events WHERE kind = 'artifact.pushed' AND payload ? 'copied_from'";
    assert_eq!(number(&app, events).await, 6);
    copied(&app, TARGET, "alpha/hello:multi").await;
    assert_eq!(
        (used(&app, 3).await, number(&app, events).await),
        (whole, 6),
        "again is no change"
    );
    assert_eq!(
        app.send(
            &admin,
            Method::DELETE,
            "/api/v2.0/projects/beta/repositories/copied"
        )
        .await
        .status,
        StatusCode::OK
    );
    assert_eq!(used(&app, 3).await, 0);
    assert_eq!(
        app.get(&admin, "/v2/alpha/hello/manifests/multi").await.status,
        StatusCode::OK
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn h68_a_copy_by_tag_sets_that_tag_and_no_other(pool: PgPool) {
    let (app, admin) = alpha_and_beta(pool).await;
    let image = push::image(&app, "alpha/a", Some("1"), "new").await;
    let tag = json!({"name": "latest"});
    app.send_json(
        &admin,
        Method::POST,
        "/api/v2.0/projects/alpha/repositories/a/artifacts/1/tags",
        &tag,
    )
    .await;
    let old = push::image(&app, "beta/a", Some("latest"), "old").await;
    let target = "/api/v2.0/projects/beta/repositories/a/artifacts";
    let latest = async || {
        let head = app
            .send(&admin, Method::HEAD, "/v2/beta/a/manifests/latest")
            .await;
        head.header("docker-content-digest").to_owned()
    };
    copied(&app, target, "alpha/a:1").await;
    assert_eq!(tags(&app, "beta/a").await, json!(["1", "latest"]));
    assert_eq!(latest().await, old.digest.as_str());
    // By digest come those that are free.
    let by_digest = format!("alpha/a@{}", image.digest);
    copied(
        &app,
        "/api/v2.0/projects/beta/repositories/b/artifacts",
        &by_digest,
    )
    .await;
    assert_eq!(tags(&app, "beta/b").await, json!(["1", "latest"]));
    copied(&app, target, &by_digest).await;
    assert_eq!(latest().await, old.digest.as_str());
    // All come when that is asked for, but not over an immutable tag.
    let rule = json!({
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "latest"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    });
    let rules = "/api/v2.0/projects/beta/immutabletagrules";
    let rule = app.send_json(&admin, Method::POST, rules, &rule).await;
    let all = format!("{target}?all_tags=true&from=alpha/a:1");
    let refused = app.send(&admin, Method::POST, &all).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (412, "PRECONDITION"),
        "{refused:?}"
    );
    app.send(&admin, Method::DELETE, rule.header("location")).await;
    assert_eq!(
        app.send(&admin, Method::POST, &all).await.status,
        StatusCode::CREATED
    );
    assert_eq!(latest().await, image.digest.as_str());
    // Inside one repository a copy is a new tag at most.
    copied(&app, target, "beta/a:1").await;
    assert_eq!(number(&app, "SELECT count(*) FROM manifests").await, 4);
}

#[sqlx::test(migrations = "./migrations")]
async fn what_cannot_be_copied_is_refused(pool: PgPool) {
    let (app, admin) = alpha_and_beta(pool).await;
    let image = push::image(&app, "alpha/hello", Some("v1"), "one").await;
    let sbom = push::referrer(&app, "alpha/hello", &image, "application/spdx+json").await;
    for (from, status) in [
        ("alpha/hello:nope".to_owned(), 400),
        ("alpha/nope:v1".to_owned(), 400),
        ("nope/hello:v1".to_owned(), 400),
        ("nonsense".to_owned(), 400),
        ("alpha/hello".to_owned(), 400),
        ("alpha/hello@sha256:1".to_owned(), 400),
        (format!("alpha/hello@{}", sbom.digest), 403),
    ] {
        let answer = copy(&app, &admin, TARGET, &from).await;
        assert_eq!(answer.status.as_u16(), status, "{from}: {answer:?}");
    }
    assert_eq!(app.send(&admin, Method::POST, TARGET).await.status.as_u16(), 422);
    let bad_name = "/api/v2.0/projects/beta/repositories/UPPER/artifacts";
    assert_eq!(
        copy(&app, &admin, bad_name, "alpha/hello:v1").await.status,
        StatusCode::BAD_REQUEST
    );
    let absent = "/api/v2.0/projects/nope/repositories/x/artifacts";
    assert_eq!(
        copy(&app, &admin, absent, "alpha/hello:v1").await.status,
        StatusCode::NOT_FOUND
    );

    // Who may push here but not pull there is told what he would be told of nothing.
    let dev = app.create_user("dev").await;
    app.add_member(3, "dev", 2).await;
    let closed = copy(&app, &dev, TARGET, "alpha/hello:v1").await;
    let nothing = copy(&app, &dev, TARGET, "alphb/hello:v1").await;
    assert_eq!(
        (closed.status, nothing.status),
        (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST)
    );
    app.add_member(2, "dev", 5).await;
    assert_eq!(
        copy(&app, &dev, TARGET, "alpha/hello:v1").await.status,
        StatusCode::CREATED
    );
    let back = "/api/v2.0/projects/alpha/repositories/back/artifacts";
    assert_eq!(
        copy(&app, &dev, back, "beta/copied:v1").await.status,
        StatusCode::FORBIDDEN
    );
    let builder = app
        .create_robot((3, "beta"), "builder", &[("artifact", "create")])
        .await;
    assert_eq!(
        copy(&app, &builder, TARGET, "alpha/hello:v1").await.status,
        StatusCode::BAD_REQUEST
    );

    let limit = json!({"hard": {"storage": 1}});
    app.send_json(&admin, Method::PUT, "/api/v2.0/quotas/3", &limit)
        .await;
    push::image(&app, "alpha/hello", Some("v2"), "two").await;
    let full = copy(&app, &admin, TARGET, "alpha/hello:v2").await;
    assert_eq!(
        (full.status.as_u16(), full.code().as_str()),
        (403, "DENIED"),
        "{full:?}"
    );
    assert_eq!(tags(&app, "beta/copied").await, json!(["v1"]));
}

#[sqlx::test(migrations = "./migrations")]
async fn copies_and_removals_at_once_leave_whole_artifacts(pool: PgPool) {
    let (app, admin) = alpha_and_beta(pool).await;
    for round in 0..6 {
        let repository = format!("alpha/r{round}");
        let image = push::image(&app, &repository, Some("v1"), &format!("round {round}")).await;
        push::referrer(&app, &repository, &image, "application/spdx+json").await;
        let from = format!("{repository}:v1");
        let gone = format!("/v2/{repository}/manifests/{}", image.digest);
        let (one, two, removed) = futures::join!(
            copy(&app, &admin, TARGET, &from),
            copy(&app, &admin, TARGET, &from),
            app.send(&admin, Method::DELETE, &gone)
        );
        assert_eq!(removed.status, StatusCode::ACCEPTED, "{removed:?}");
        for answer in [&one, &two] {
            assert!(matches!(answer.status.as_u16(), 201 | 400), "{answer:?}");
        }
        if one.status == StatusCode::CREATED {
            let answer = app
                .get(&admin, &format!("/v2/beta/copied/manifests/{}", image.digest))
                .await;
            assert_eq!(answer.headers["content-type"], OCI_MANIFEST);
            let layer = answer.json()["layers"][0]["digest"].as_str().unwrap().to_owned();
            let blob = app.get(&admin, &format!("/v2/beta/copied/blobs/{layer}")).await;
            assert_eq!(blob.status, StatusCode::OK, "{blob:?}");
        }
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn artifacts_are_listed_over_a_whole_project(pool: PgPool) {
    let (app, admin) = alpha_and_beta(pool).await;
    const ALL: &str = "/api/v2.0/projects/alpha/artifacts";
    let one = push::image(&app, "alpha/a", Some("v1"), "one").await;
    push::referrer(&app, "alpha/a", &one, "application/spdx+json").await;
    app.advance(chrono::TimeDelta::seconds(1));
    let two = push::image(&app, "alpha/b", Some("v1"), "two").await;
    app.advance(chrono::TimeDelta::seconds(1));
    let three = push::image(&app, "alpha/b", Some("v2"), "three").await;
    push::image(&app, "beta/c", Some("v1"), "four").await;
    let all = app.get(&admin, &format!("{ALL}?with_accessory=true")).await;
    assert_eq!(all.header("x-total-count"), "3");
    let all = all.json();
    assert_eq!(
        digests(&all),
        [three.digest.as_str(), two.digest.as_str(), one.digest.as_str()]
    );
    assert_eq!(
        (&all[2]["repository_name"], &all[0]["repository_name"]),
        (&json!("alpha/a"), &json!("alpha/b"))
    );
    assert_eq!(all[2]["accessories"][0]["subject_artifact_repo"], "alpha/a");
    assert_eq!(all[0]["accessories"], Value::Null);
    let config = "application%2Fvnd.oci.image.config.v1%252Bjson";
    for (query, expected) in [
        ("q=tags%3Dv1".to_owned(), vec![&two, &one]),
        ("q=repository_name%3Dalpha/a".to_owned(), vec![&one]),
        ("sort=push_time&page_size=2".to_owned(), vec![&one, &two]),
        (
            format!("latest_in_repository=true&q=media_type%3D{config}"),
            vec![&three, &one],
        ),
    ] {
        let answer = app.get(&admin, &format!("{ALL}?{query}")).await;
        let expected: Vec<&str> = expected.into_iter().map(|image| image.digest.as_str()).collect();
        assert_eq!(digests(&answer.json()), expected, "{query}: {answer:?}");
    }
    for query in [
        "latest_in_repository=true".to_owned(),
        format!("latest_in_repository=true&q=media_type%3D{config},artifact_type%3D{config}"),
    ] {
        assert_eq!(
            app.get(&admin, &format!("{ALL}?{query}")).await.status,
            StatusCode::BAD_REQUEST
        );
    }
    // Of a public project everybody sees them who has an account.
    let outsider = app.create_user("outsider").await;
    assert_eq!(app.get(&outsider, ALL).await.status, StatusCode::FORBIDDEN);
    let public = "/api/v2.0/projects/library/artifacts";
    assert_eq!(app.get(&outsider, public).await.status, StatusCode::OK);
    assert_eq!(
        app.get(&As::Nobody, public).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn nothing_is_known_of_vulnerabilities(pool: PgPool) {
    let (app, admin) = alpha_and_beta(pool).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    let answer = app
        .get(&admin, &format!("{HELLO}/artifacts/v1/additions/vulnerabilities"))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (404, "NOT_FOUND"),
        "{answer:?}"
    );
}
