//! Deletion: of artifacts with their parts, of tags.

use super::*;

#[sqlx::test(migrations = "./migrations")]
async fn an_artifact_goes_with_its_tags_and_its_parts(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let one = push::image(&app, "alpha/hello", None, "one").await;
    let two = push::image(&app, "alpha/hello", Some("two"), "two").await;
    push::index(&app, "alpha/hello", "multi", &[&one, &two]).await;
    app.send_json(
        &admin,
        Method::POST,
        &format!("{HELLO}/artifacts/multi/tags"),
        &json!({"name": "latest"}),
    )
    .await;

    let held = app
        .send(
            &admin,
            Method::DELETE,
            &format!("{HELLO}/artifacts/{}", one.digest),
        )
        .await;
    assert_eq!(
        (held.status.as_u16(), held.code().as_str()),
        (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    );
    let used = app.get(&admin, "/api/v2.0/quotas/2").await.json()["used"]["storage"]
        .as_i64()
        .unwrap();
    let gone = app
        .send(&admin, Method::DELETE, &format!("{HELLO}/artifacts/latest"))
        .await;
    assert_eq!((gone.status, gone.body.len()), (StatusCode::OK, 0), "{gone:?}");
    let left = app
        .get(&admin, &format!("{HELLO}/artifacts?q=base%3D*"))
        .await
        .json();
    assert_eq!(digests(&left), [two.digest.as_str()]);
    assert!(
        app.get(&admin, "/api/v2.0/quotas/2").await.json()["used"]["storage"]
            .as_i64()
            .unwrap()
            < used
    );
    assert!(number(&app, "SELECT count(*) FROM blob_reviews").await > 0);
    assert_eq!(
        number(
            &app,
            "SELECT count(*) FROM events WHERE kind = 'artifact.deleted'"
        )
        .await,
        2
    );
    assert_eq!(
        app.get(&admin, "/v2/alpha/hello/manifests/two").await.status,
        StatusCode::OK
    );
    let again = app
        .send(&admin, Method::DELETE, &format!("{HELLO}/artifacts/latest"))
        .await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "./migrations")]
async fn h80_a_signed_image_is_deleted_with_its_signatures(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    let image = push::image(&app, "alpha/hello", Some("v1"), "one").await;
    let sbom = push::referrer(&app, "alpha/hello", &image, "application/spdx+json").await;
    push::referrer(
        &app,
        "alpha/hello",
        &sbom,
        "application/vnd.cncf.notary.signature",
    )
    .await;
    let signature = push::referrer(
        &app,
        "alpha/hello",
        &image,
        "application/vnd.cncf.notary.signature",
    )
    .await;
    // A referrer alone can go, too.
    let path = format!("{HELLO}/artifacts/{}", signature.digest);
    assert_eq!(
        app.send(&admin, Method::DELETE, &path).await.status,
        StatusCode::OK
    );
    assert_eq!(
        app.send(&admin, Method::DELETE, &format!("{HELLO}/artifacts/v1"))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(number(&app, "SELECT count(*) FROM manifests").await, 0);
    let answer = app.send(&admin, Method::DELETE, HELLO).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        app.send(&admin, Method::DELETE, "/api/v2.0/projects/alpha")
            .await
            .status,
        StatusCode::OK
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn tags_are_set_listed_and_removed(pool: PgPool) {
    let (app, admin) = alpha(pool).await;
    push::image(&app, "alpha/hello", Some("v1"), "one").await;
    push::image(&app, "alpha/hello", Some("v2"), "two").await;
    app.advance(chrono::TimeDelta::seconds(1));
    let tags = format!("{HELLO}/artifacts/v1/tags");
    let longest = "t".repeat(128);
    for (body, status) in [
        (json!({"name": "stable"}), 201),
        (json!({"name": "stable"}), 409),
        (json!({"name": "v2"}), 409),
        (json!({"name": "bad tag"}), 400),
        (json!({"name": "-x"}), 400),
        (json!({"name": "sha256:abc"}), 400),
        (json!({"name": longest}), 201),
        (json!({"name": format!("{longest}t")}), 400),
        (json!({"name": ""}), 422),
        (json!({}), 422),
    ] {
        let answer = app.send_json(&admin, Method::POST, &tags, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {answer:?}");
        assert_eq!(answer.header("location"), "");
    }
    for (sort, first) in [
        ("", longest.as_str()),
        ("sort=name", "stable"),
        ("sort=-name", "v1"),
        ("sort=push_time", "v1"),
        ("sort=id", "v1"),
        ("sort=nonsense", longest.as_str()),
    ] {
        let list = app.get(&admin, &format!("{tags}?{sort}")).await;
        assert_eq!(list.json()[0]["name"], first, "{sort}");
    }
    let list = app.get(&admin, &format!("{tags}?q=name%3D~st")).await;
    assert_eq!(
        (list.header("x-total-count"), &list.json()[0]["name"]),
        ("1", &json!("stable"))
    );
    assert_eq!(
        app.get(&admin, "/v2/alpha/hello/manifests/stable").await.status,
        StatusCode::OK
    );
    // On another artifact.
    assert_eq!(
        app.send(&admin, Method::DELETE, &format!("{tags}/v2"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    for tag in ["stable", longest.as_str(), "v1"] {
        let path = format!("{HELLO}/artifacts/v1/tags/{tag}");
        assert_eq!(
            app.send(&admin, Method::DELETE, &path).await.status,
            StatusCode::OK,
            "{tag}"
        );
    }
    assert_eq!(
        app.get(&admin, HELLO).await.json()["artifact_count"],
        2,
        "the artifact stays"
    );
    // The two pushes set tags, too.
    assert_eq!(
        number(&app, "SELECT count(*) FROM events WHERE kind = 'tag.created'").await,
        4
    );
    assert_eq!(
        number(&app, "SELECT count(*) FROM events WHERE kind = 'tag.deleted'").await,
        3
    );
}
