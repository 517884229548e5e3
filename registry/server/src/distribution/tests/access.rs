use axum::body::Body;
use axum::http::{Method, StatusCode};
use slipway_model::Digest;
use slipway_model::manifest::OCI_MANIFEST;
use sqlx::PgPool;

use super::support::{Client, refused};
use crate::testing::{Answer, As, TestApp};

/// Everything of an answer that a stranger sees, without what is new in each.
fn seen(answer: &Answer, name: &str) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(key, _)| *key != "x-request-id" && *key != "date")
        .map(|(key, value)| (key.to_string(), value.to_str().unwrap().replace(name, "NAME")))
        .collect();
    headers.sort();
    let mut body = String::from_utf8_lossy(&answer.body).replace(name, "NAME");
    let id = answer.header("x-request-id");
    if !id.is_empty() {
        body = body.replace(id, "ID");
    }
    (answer.status.as_u16(), headers, body)
}

/// Every kind of request to a repository.
fn requests(repository: &str, digest: &Digest) -> Vec<(Method, String)> {
    let v2 = format!("/v2/{repository}");
    let upload = "7b0d6a3c-6c2e-4d4f-8d7f-0d9a35f8d8a1";
    [
        (Method::GET, format!("{v2}/manifests/v1")),
        (Method::HEAD, format!("{v2}/manifests/v1")),
        (Method::GET, format!("{v2}/manifests/{digest}")),
        (Method::PUT, format!("{v2}/manifests/v1")),
        (Method::DELETE, format!("{v2}/manifests/v1")),
        (Method::DELETE, format!("{v2}/manifests/{digest}")),
        (Method::GET, format!("{v2}/blobs/{digest}")),
        (Method::HEAD, format!("{v2}/blobs/{digest}")),
        (Method::DELETE, format!("{v2}/blobs/{digest}")),
        (Method::GET, format!("{v2}/blobs/sha256:zz")),
        (Method::POST, format!("{v2}/blobs/uploads/")),
        (
            Method::POST,
            format!("{v2}/blobs/uploads/?mount={digest}&from={repository}"),
        ),
        (Method::PATCH, format!("{v2}/blobs/uploads/{upload}")),
        (
            Method::PUT,
            format!("{v2}/blobs/uploads/{upload}?digest={digest}"),
        ),
        (Method::GET, format!("{v2}/blobs/uploads/{upload}")),
        (Method::DELETE, format!("{v2}/blobs/uploads/{upload}")),
        (Method::GET, format!("{v2}/tags/list")),
        (Method::GET, format!("{v2}/referrers/{digest}")),
    ]
    .into()
}

#[sqlx::test]
async fn p66_a_stranger_learns_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    app.create_project("q", false).await;
    let bob = app.create_user("bob").await;
    app.add_member(p, "bob", 2).await;
    let secret = Client::admin(&app).image("q/secret", "v1", "secret").await;
    let token = Client::with_token(
        &app,
        &bob,
        &["repository:q/secret:pull,push,delete", "repository:q/nosuch:pull"],
    )
    .await;
    let robot = app
        .create_robot((p, "p"), "ci", &[("repository", "pull"), ("repository", "push")])
        .await;
    let anonymous = Client::with_token(&app, &As::Nobody, &["repository:q/secret:pull"]).await;
    let strangers = [
        (As::Nobody, StatusCode::UNAUTHORIZED),
        (bob, StatusCode::FORBIDDEN),
        (robot, StatusCode::FORBIDDEN),
        (token.who, StatusCode::UNAUTHORIZED),
        (anonymous.who, StatusCode::UNAUTHORIZED),
    ];
    for (who, status) in &strangers {
        let client = Client::of(&app, who);
        let existing = requests("q/secret", &secret.layer);
        for other in ["q/nosuch", "none/secret"] {
            for ((method, uri), (_, like)) in existing.iter().zip(requests(other, &secret.layer)) {
                let mut seen_of = Vec::new();
                for (uri, name) in [(uri, "q/secret"), (&like, other)] {
                    let answer = client
                        .send(
                            method.clone(),
                            uri,
                            &[("content-type", OCI_MANIFEST)],
                            Body::from("{}"),
                        )
                        .await;
                    assert_eq!(answer.status, *status, "{who:?} {method} {uri}");
                    seen_of.push(seen(&answer, name));
                }
                assert_eq!(seen_of[0], seen_of[1], "{who:?} {method} {uri}");
            }
        }
    }
}

#[sqlx::test]
async fn p58_the_ping_always_challenges(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let public = app.create_project("pub", true).await;
    assert!(public > 0);
    Client::admin(&app).image("pub/app", "v1", "layer").await;
    for uri in ["/v2", "/v2/"] {
        let nobody = app.get(&As::Nobody, uri).await;
        refused(&nobody, 401, "UNAUTHORIZED");
        assert!(
            nobody.header("www-authenticate").starts_with("Bearer realm=\""),
            "{nobody:?}"
        );
        assert!(!nobody.header("www-authenticate").contains("scope"), "{nobody:?}");
        let wrong = app.get(&As::Basic("admin".into(), "no".into()), uri).await;
        refused(&wrong, 401, "UNAUTHORIZED");
        assert!(
            wrong.header("www-authenticate").starts_with("Bearer "),
            "{wrong:?}"
        );
        let right = app.get(&app.admin(), uri).await;
        assert_eq!(
            (right.status, right.body.as_ref()),
            (StatusCode::OK, b"{}".as_ref())
        );
        refused(
            &app.get(&As::Bearer("nonsense".into()), uri).await,
            401,
            "UNAUTHORIZED",
        );
    }
    // Without any token a public image is challenged too: that is how clients come to their anonymous one.
    let bare = app.get(&As::Nobody, "/v2/pub/app/manifests/v1").await;
    refused(&bare, 401, "UNAUTHORIZED");
    assert!(
        bare.header("www-authenticate")
            .ends_with(",scope=\"repository:pub/app:pull\""),
        "{bare:?}"
    );
    let anonymous = Client::with_token(&app, &As::Nobody, &["repository:pub/app:pull"]).await;
    assert_eq!(anonymous.get("/v2/").await.status, StatusCode::OK);
    assert_eq!(
        anonymous.get("/v2/pub/app/manifests/v1").await.status,
        StatusCode::OK
    );
    refused(
        &anonymous.post("/v2/pub/app/blobs/uploads/").await,
        401,
        "UNAUTHORIZED",
    );
}

#[sqlx::test]
async fn p60_one_bearer_challenge_with_one_scope(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let pull = Client::with_token(&app, &app.admin(), &["repository:p/app:pull"]).await;
    let digest = Digest::sha256(b"x");
    for (method, uri, scope) in [
        (
            Method::GET,
            "/v2/p/app/manifests/v1".to_owned(),
            "repository:p/app:pull",
        ),
        (
            Method::PUT,
            "/v2/p/app/manifests/v1".to_owned(),
            "repository:p/app:pull,push",
        ),
        (
            Method::POST,
            "/v2/p/app/blobs/uploads/".to_owned(),
            "repository:p/app:pull,push",
        ),
        (
            Method::POST,
            format!("/v2/p/app/blobs/uploads/?mount={digest}&from=p/other"),
            "repository:p/app:pull,push",
        ),
        (
            Method::DELETE,
            "/v2/p/app/manifests/v1".to_owned(),
            "repository:p/app:delete",
        ),
        (Method::GET, "/v2/_catalog".to_owned(), "registry:catalog:*"),
    ] {
        let nobody = app.send(&As::Nobody, method.clone(), &uri).await;
        let challenges: Vec<_> = nobody.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(
            (nobody.status, challenges.len()),
            (StatusCode::UNAUTHORIZED, 1),
            "{uri}"
        );
        let challenge = nobody.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=\"") && challenge.contains("service=\""),
            "{challenge}"
        );
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
        assert!(!challenge.contains("error="), "{challenge}");
        let bad = app
            .send(&As::Basic("admin".into(), "no".into()), method.clone(), &uri)
            .await;
        assert!(
            bad.header("www-authenticate")
                .contains(&format!("scope=\"{scope}\"")),
            "{bad:?}"
        );
        if method != Method::GET || uri == "/v2/_catalog" {
            let lacking = pull.send(method, &uri, &[], Body::empty()).await;
            assert_eq!(lacking.status, StatusCode::UNAUTHORIZED);
            let challenge = lacking.header("www-authenticate");
            assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
            assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        }
    }
}

#[sqlx::test]
async fn p11_a_session_survives_an_expired_token(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let scope = ["repository:p/app:pull,push"];
    let old = Client::with_token(&app, &app.admin(), &scope).await;
    let location = old.begin("p/app").await;
    old.patch(&location, None, "some ").await;
    app.advance(chrono::TimeDelta::hours(3));
    let digest = Digest::sha256(b"some bytes");
    let late = old.finish(&location, &digest, "bytes").await;
    refused(&late, 401, "UNAUTHORIZED");
    let challenge = late.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"repository:p/app:pull,push\"")
            && challenge.contains("error=\"invalid_token\""),
        "{challenge}"
    );
    let new = Client::with_token(&app, &app.admin(), &scope).await;
    assert_eq!(
        new.finish(&location, &digest, "bytes").await.status,
        StatusCode::CREATED
    );
}

/// Some clients take one token at the beginning of a push and ask for no other, however long it takes.
#[sqlx::test]
async fn p11_a_push_of_an_hour_needs_one_token(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let client = Client::with_token(&app, &app.admin(), &["repository:p/app:pull,push"]).await;
    let location = client.begin("p/app").await;
    for _ in 0..6 {
        app.advance(chrono::TimeDelta::minutes(15));
        let patched = client.patch(&location, None, "bytes").await;
        assert_eq!(patched.status, StatusCode::ACCEPTED, "{patched:?}");
    }
    let digest = Digest::sha256("bytes".repeat(6).as_bytes());
    let done = client.finish(&location, &digest, Body::empty()).await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    client.image("p/app", "v1", "layer").await;
}

#[sqlx::test]
async fn a_revoked_role_counts_at_once_whatever_the_token_says(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    let bob = app.create_user("bob").await;
    app.add_member(p, "bob", 2).await;
    let client = Client::with_token(&app, &bob, &["repository:p/app:pull,push"]).await;
    let image = client.image("p/app", "v1", "layer").await;
    sqlx::query("UPDATE project_members SET role = 3")
        .execute(&app.app.pool)
        .await
        .unwrap();
    refused(
        &client.put("p/app", "v2", &image.manifest, OCI_MANIFEST).await,
        401,
        "UNAUTHORIZED",
    );
    refused(
        &client.post("/v2/p/app/blobs/uploads/").await,
        401,
        "UNAUTHORIZED",
    );
    assert_eq!(client.get("/v2/p/app/manifests/v1").await.status, StatusCode::OK);
    sqlx::query("DELETE FROM project_members")
        .execute(&app.app.pool)
        .await
        .unwrap();
    refused(&client.get("/v2/p/app/manifests/v1").await, 401, "UNAUTHORIZED");
    refused(
        &Client::of(&app, &bob).get("/v2/p/app/manifests/v1").await,
        403,
        "DENIED",
    );
}

#[sqlx::test]
async fn roles_and_what_they_may(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    let image = Client::admin(&app).image("p/app", "v1", "layer").await;
    // Harbor: project admins and maintainers remove, developers push, guests pull.
    for (name, role, push, delete) in [
        ("ann", 1, true, true),
        ("max", 4, true, true),
        ("dev", 2, true, false),
        ("gus", 3, false, false),
        ("lim", 5, false, false),
    ] {
        let who = app.create_user(name).await;
        app.add_member(p, name, role).await;
        let client = Client::of(&app, &who);
        assert_eq!(
            client.get("/v2/p/app/manifests/v1").await.status,
            StatusCode::OK,
            "{name}"
        );
        let tag = client.put("p/app", name, &image.manifest, OCI_MANIFEST).await;
        assert_eq!(tag.status == StatusCode::CREATED, push, "{name}");
        let deleted = client.delete(&format!("/v2/p/app/manifests/{name}")).await;
        assert_eq!(deleted.status == StatusCode::ACCEPTED, delete, "{name}");
        if !delete {
            refused(&deleted, 403, "DENIED");
        }
    }
}

#[sqlx::test]
async fn an_administrator_learns_that_a_project_is_missing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let client = Client::admin(&app);
    refused(
        &client.post("/v2/none/app/blobs/uploads/").await,
        404,
        "NAME_UNKNOWN",
    );
    refused(
        &client.get("/v2/none/app/manifests/v1").await,
        404,
        "NAME_UNKNOWN",
    );
}

#[sqlx::test]
async fn h49_a_robot_that_was_disabled_is_challenged_at_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let p = app.create_project("p", false).await;
    Client::admin(&app).image("p/app", "v1", "layer").await;
    let robot = app.create_robot((p, "p"), "ci", &[("repository", "pull")]).await;
    let token = Client::with_token(&app, &robot, &["repository:p/app:pull"]).await;
    assert_eq!(token.get("/v2/p/app/manifests/v1").await.status, StatusCode::OK);
    sqlx::query("UPDATE robots SET disabled = true")
        .execute(&app.app.pool)
        .await
        .unwrap();
    let refusal = token.get("/v2/p/app/manifests/v1").await;
    refused(&refusal, 401, "UNAUTHORIZED");
    assert!(
        refusal
            .header("www-authenticate")
            .contains("scope=\"repository:p/app:pull\""),
        "{refusal:?}"
    );
    sqlx::query("DELETE FROM robots")
        .execute(&app.app.pool)
        .await
        .unwrap();
    let refusal = token.get("/v2/p/app/manifests/v1").await;
    refused(&refusal, 401, "UNAUTHORIZED");
    assert!(
        refusal.header("www-authenticate").starts_with("Bearer "),
        "{refusal:?}"
    );
}
