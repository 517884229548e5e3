use axum::body::Body;
use axum::http::{Method, StatusCode};
use slipway_model::Digest;
use sqlx::PgPool;

use super::support::{Client, number, refused, used};
use crate::testing::TestApp;

#[sqlx::test]
async fn p19_a_mount_needs_pull_on_its_source_by_token(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let project = app.create_project("p", false).await;
    let layer = Client::admin(&app).blob("p/app", b"layer").await;
    let mount = format!("/v2/p/new/blobs/uploads/?mount={layer}&from=p/app");
    let target_only = Client::with_token(&app, &app.admin(), &["repository:p/new:pull,push"]).await;
    let answer = target_only.post(&mount).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert!(answer.header("location").starts_with("/v2/p/new/blobs/uploads/"));
    let both = Client::with_token(
        &app,
        &app.admin(),
        &["repository:p/new:pull,push", "repository:p/app:pull"],
    )
    .await;
    let answer = both.post(&mount).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.header("docker-content-digest"), layer.as_str());
    assert_eq!(answer.header("location"), format!("/v2/p/new/blobs/{layer}"));
    assert_eq!(both.get(answer.header("location")).await.body, "layer");
    assert_eq!(used(&app, project).await, 5, "a blob counts once in a project");
}

#[sqlx::test]
async fn p19_a_mount_needs_pull_on_its_source_by_role(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (p, q) = (
        app.create_project("p", false).await,
        app.create_project("q", false).await,
    );
    let bob = app.create_user("bob").await;
    app.add_member(p, "bob", 2).await;
    let secret = Client::admin(&app).blob("q/secret", b"secret").await;
    let client = Client::of(&app, &bob);
    let answers = [
        client
            .post(&format!("/v2/p/a/blobs/uploads/?mount={secret}&from=q/secret"))
            .await,
        client
            .post(&format!("/v2/p/a/blobs/uploads/?mount={secret}&from=q/none"))
            .await,
        client
            .post(&format!("/v2/p/a/blobs/uploads/?mount={secret}&from=none/none"))
            .await,
        client
            .post(&format!("/v2/p/a/blobs/uploads/?mount={secret}"))
            .await,
        client
            .post(&format!(
                "/v2/p/a/blobs/uploads/?mount={}&from=q/secret",
                Digest::sha256(b"never")
            ))
            .await,
        client
            .post(&format!("/v2/p/a/blobs/uploads/?mount={secret}&from=nonsense"))
            .await,
    ];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    }
    app.add_member(q, "bob", 3).await;
    let answer = client
        .post(&format!("/v2/p/a/blobs/uploads/?mount={secret}&from=q/secret"))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    refused(
        &client
            .post("/v2/p/a/blobs/uploads/?mount=sha256:zz&from=q/secret")
            .await,
        400,
        "DIGEST_INVALID",
    );
}

#[sqlx::test]
async fn p19_without_a_source_only_readable_repositories_are_searched(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let layer = Client::admin(&app).blob("p/app", b"layer").await;
    let mount = format!("/v2/p/new/blobs/uploads/?mount={layer}");
    let target_only = Client::with_token(&app, &app.admin(), &["repository:p/new:pull,push"]).await;
    assert_eq!(target_only.post(&mount).await.status, StatusCode::ACCEPTED);
    let done = Client::admin(&app).post(&mount).await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    // A token that names a source of another project is looked at too.
    app.create_project("q", false).await;
    let both = ["repository:q/new:pull,push", "repository:p/app:pull"];
    let client = Client::with_token(&app, &app.admin(), &both).await;
    let mount = format!("/v2/q/new/blobs/uploads/?mount={layer}");
    assert_eq!(client.post(&mount).await.status, StatusCode::CREATED);
}

/// Clients ask for a token of the target only. It opens of the source what nobody in particular may read, and no more: neither
/// the caller's own private projects nor, to a robot, anything but its own.
#[sqlx::test]
async fn p19_a_public_source_needs_no_scope(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    app.create_project("open", true).await;
    let q = app.create_project("q", false).await;
    let bob = app.create_user("bob").await;
    app.add_member(p, "bob", 2).await;
    app.add_member(q, "bob", 2).await;
    let robot = app
        .create_robot((p, "p"), "ci", &[("repository", "pull"), ("repository", "push")])
        .await;
    let admin = Client::admin(&app);
    let shown = admin.blob("open/app", b"shown").await;
    let hidden = admin.blob("q/app", b"hidden").await;
    for (n, who) in [&bob, &robot, &app.admin()].into_iter().enumerate() {
        let target = format!("p/new{n}");
        let scope = format!("repository:{target}:pull,push");
        let client = Client::with_token(&app, who, &[&scope]).await;
        let mount = async |query: String| {
            let answer = client
                .post(&format!("/v2/{target}/blobs/uploads/?mount={query}"))
                .await;
            answer.status
        };
        assert_eq!(
            mount(format!("{shown}&from=open/app")).await,
            StatusCode::CREATED,
            "{who:?}"
        );
        assert_eq!(
            mount(format!("{hidden}&from=open/app")).await,
            StatusCode::ACCEPTED,
            "{who:?}"
        );
        assert_eq!(
            mount(format!("{hidden}&from=q/app")).await,
            StatusCode::ACCEPTED,
            "{who:?}"
        );
        assert_eq!(mount(hidden.to_string()).await, StatusCode::ACCEPTED, "{who:?}");
        let searched = Client::with_token(&app, who, &[&format!("repository:p/other{n}:pull,push")]).await;
        let found = searched
            .post(&format!("/v2/p/other{n}/blobs/uploads/?mount={shown}"))
            .await;
        assert_eq!(found.status, StatusCode::CREATED, "{who:?}");
    }
    // Once it is closed, the same token opens nothing any more.
    let client = Client::with_token(&app, &robot, &["repository:p/late:pull,push"]).await;
    sqlx::query("UPDATE projects SET public = false WHERE name = 'open'")
        .execute(&app.app.pool)
        .await
        .unwrap();
    let late = client
        .post(&format!("/v2/p/late/blobs/uploads/?mount={shown}&from=open/app"))
        .await;
    assert_eq!(late.status, StatusCode::ACCEPTED, "{late:?}");
}

#[sqlx::test]
async fn p22_one_denied_repository_does_not_spoil_another(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    app.create_project("q", false).await;
    let bob = app.create_user("bob").await;
    app.add_member(p, "bob", 2).await;
    let digest = Client::admin(&app).blob("q/secret", b"secret").await;
    let client = Client::with_token(&app, &bob, &["repository:p/app:pull,push"]).await;
    let probe = client.head(&format!("/v2/q/secret/blobs/{digest}")).await;
    assert_eq!(probe.status, StatusCode::UNAUTHORIZED);
    let challenge = probe.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"repository:q/secret:pull\""),
        "{challenge}"
    );
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    let answer = client
        .send(Method::POST, "/v2/p/app/blobs/uploads/", &[], Body::empty())
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[sqlx::test]
async fn a_refused_mount_leaves_no_repository_behind(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let never = Digest::sha256(b"never");
    Client::admin(&app)
        .post(&format!("/v2/p/new/blobs/uploads/?mount={never}&from=p/app"))
        .await;
    assert_eq!(number(&app, "SELECT count(*) FROM repositories").await, 0);
}
