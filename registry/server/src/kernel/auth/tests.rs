use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use sqlx::PgPool;
use tokio::time::timeout;

use crate::kernel::password;
use crate::testing::{As, PASSWORD, TestApp};

/// In which nothing happens that waits for a hash.
const A_MOMENT: std::time::Duration = std::time::Duration::from_millis(300);
const CURRENT: &str = "/api/v2.0/users/current";

#[sqlx::test]
async fn bad_credentials_are_never_taken_for_nobody(pool: PgPool) {
    let test = TestApp::new(pool).await;
    // Open to everybody, and yet.
    let open = "/api/v2.0/systeminfo";
    assert_eq!(test.get(&As::Nobody, open).await.status, StatusCode::OK);
    for value in [
        "Basic !!!notbase64",
        "Basic YWRtaW4=",
        "Basic",
        "Bearer a.b.c",
        "Digest x",
        "",
        "admin",
    ] {
        let request = Request::builder()
            .uri(open)
            .header(header::AUTHORIZATION, value)
            .body(Body::empty())
            .unwrap();
        let answer = test.request(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            "{value:?}"
        );
    }
    let wrong = As::Basic("admin".into(), "wrong".into());
    assert_eq!(test.get(&wrong, open).await.status, StatusCode::UNAUTHORIZED);
    // A token of the distribution API opens nothing else.
    let token = test.token(&test.admin(), &[]).await;
    assert_eq!(test.get(&token, CURRENT).await.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test]
async fn p60_one_challenge_on_every_401_of_v2(pool: PgPool) {
    let test = TestApp::new(pool).await;
    for who in [
        As::Nobody,
        As::Basic("admin".into(), "wrong".into()),
        As::Bearer("a.b.c".into()),
    ] {
        for path in ["/v2/", "/v2/p/app/manifests/latest", "/v2/_catalog"] {
            let request = who.on(Request::builder()
                .uri(path)
                .header(header::HOST, "reg.example:8443"));
            let answer = test.request(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{who:?} {path}");
            let challenges: Vec<_> = answer.headers.get_all(header::WWW_AUTHENTICATE).iter().collect();
            assert_eq!(challenges.len(), 1, "{who:?} {path}");
            let start = "Bearer realm=\"http://reg.example:8443/service/token\",service=\"harbor-registry\"";
            assert!(answer.header("www-authenticate").starts_with(start), "{answer:?}");
        }
    }
}

#[sqlx::test]
async fn robots_log_in_under_both_names_and_people_by_e_mail(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let p = test.create_project("acme", false).await;
    test.create_robot((p, "acme"), "ci", &[("repository", "pull")])
        .await;
    test.create_user("dev").await;
    for name in ["robot-acme--ci", "robot$acme+ci", "dev", "dev@example.org"] {
        let answer = test.get(&As::Basic(name.into(), PASSWORD.into()), "/v2/").await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
    }
    // Harbor: the API tells a robot that it is no user.
    let answer = test
        .get(&As::Basic("robot$acme+ci".into(), PASSWORD.into()), CURRENT)
        .await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
}

#[sqlx::test]
async fn a_credential_is_hashed_once(pool: PgPool) {
    let test = TestApp::new(pool).await;
    test.get(&test.admin(), CURRENT).await;
    let nothing_is_hashed = password::hold().await;
    assert_eq!(test.get(&test.admin(), CURRENT).await.status, StatusCode::OK);
    let wrong = As::Basic("admin".into(), "wrong".into());
    assert!(timeout(A_MOMENT, test.get(&wrong, CURRENT)).await.is_err());
    drop(nothing_is_hashed);
    assert_eq!(test.get(&wrong, CURRENT).await.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test]
async fn lessons_76_guessing_is_slowed_down(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let guess = async || {
        test.get(&As::Basic("admin".into(), "wrong".into()), CURRENT)
            .await
    };
    for _ in 0..super::throttle::FREE {
        assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
    }
    let answer = guess().await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS")
    );
    assert_eq!(answer.header("retry-after"), "60");
    // Not even the right one is looked at now, unless it was known before.
    assert_eq!(
        test.get(&test.admin(), CURRENT).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    let dev = test.create_user("dev").await;
    assert_eq!(test.get(&dev, CURRENT).await.status, StatusCode::OK);
}

#[sqlx::test]
async fn an_unknown_account_costs_a_hash_like_a_known_one(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let nothing_is_hashed = password::hold().await;
    for name in ["nobody", "admin"] {
        let guess = As::Basic(name.into(), "wrong".into());
        assert!(
            timeout(A_MOMENT, test.get(&guess, CURRENT)).await.is_err(),
            "{name}"
        );
    }
    drop(nothing_is_hashed);
}
