use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use slipway_model::permission::Action;
use sqlx::PgPool;

use crate::kernel::token::TokenScopes;
use crate::testing::{ADMIN_PASSWORD, Answer, As, PASSWORD, TestApp};

const SERVICE: &str = "service=harbor-registry";

fn scopes(test: &TestApp, token: &As) -> TokenScopes {
    let As::Bearer(token) = token else {
        panic!("not a token")
    };
    test.app
        .tokens
        .verify(test.app.clock.now(), token)
        .unwrap()
        .scopes()
        .clone()
}

fn words(scopes: &TokenScopes) -> Vec<String> {
    scopes.iter().cloned().map(String::from).collect()
}

async fn post(test: &TestApp, form: &str) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/service/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    test.request(request).await
}

/// Who may get what of what he asked for.
#[sqlx::test]
async fn asked_and_allowed_exactly(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let (p, _) = (
        test.create_project("p", false).await,
        test.create_project("q", false).await,
    );
    test.create_project("open", true).await;
    let everyone = [
        ("projectadmin", 1, "pull,push,delete"),
        ("maintainer", 4, "pull,push,delete"),
        ("developer", 2, "pull,push"),
        ("guest", 3, "pull"),
        ("limited", 5, "pull"),
    ];
    for (name, role, allowed) in everyone {
        let who = test.create_user(name).await;
        test.add_member(p, name, role).await;
        let asked = [
            "repository:p/app:pull,push,delete",
            "repository:q/app:pull",
            "repository:open/x:pull,push",
        ];
        let got = words(&scopes(&test, &test.token(&who, &asked).await));
        assert_eq!(
            got,
            [&format!("repository:p/app:{allowed}"), "repository:open/x:pull"],
            "{name}"
        );
        // Never more than was asked for.
        let got = words(&scopes(
            &test,
            &test.token(&who, &["repository:p/app:pull"]).await,
        ));
        assert_eq!(got, ["repository:p/app:pull"], "{name}");
    }
    let nobody = test
        .token(
            &As::Nobody,
            &["repository:open/x:pull,push", "repository:p/app:pull"],
        )
        .await;
    assert_eq!(words(&scopes(&test, &nobody)), ["repository:open/x:pull"]);
    let admin = test
        .token(&test.admin(), &["repository:p/app:*", "registry:catalog:*"])
        .await;
    assert_eq!(
        words(&scopes(&test, &admin)),
        ["repository:p/app:pull,push,delete", "registry:catalog:*"]
    );
    let robot = test.create_robot((p, "p"), "ci", &[("repository", "push")]).await;
    let robot = test
        .token(
            &robot,
            &["repository:p/app:pull,push,delete", "repository:q/app:pull"],
        )
        .await;
    assert_eq!(words(&scopes(&test, &robot)), ["repository:p/app:pull,push"]);
}

#[sqlx::test]
async fn scopes_that_make_no_sense_are_left_out(pool: PgPool) {
    let test = TestApp::new(pool).await;
    test.create_project("p", false).await;
    let asked = [
        "repository:p:pull",
        "repository:P/App:pull",
        "repository:p/app:fly",
        "a:b:c",
        "nonsense",
        "repository:none/x:pull",
    ];
    assert!(words(&scopes(&test, &test.token(&test.admin(), &asked).await)).is_empty());
    // Several in one parameter, and the same one twice.
    let token = test
        .token(
            &test.admin(),
            &[
                "repository:p/a:pull repository:p/b:push",
                "repository:p/a:push,pull",
            ],
        )
        .await;
    assert_eq!(
        words(&scopes(&test, &token)),
        ["repository:p/a:pull,push", "repository:p/b:push"]
    );
}

#[sqlx::test]
async fn p63_the_answers_fields(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let answer = test
        .get(
            &test.admin(),
            &format!("/service/token?{SERVICE}&account=x&client_id=y&unknown=z"),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.json();
    assert_eq!(body["token"], body["access_token"]);
    assert_eq!(body["expires_in"], 1800);
    assert_eq!(body["issued_at"], "2026-01-02T03:04:05Z");
    assert!(body.get("refresh_token").is_none());
    // Only what pushes is good for longer, and only where it may push.
    let open = test.create_project("open", true).await;
    assert!(open > 0);
    for (who, scope, seconds) in [
        (&test.admin(), "repository:p/x:pull", 1800),
        (&test.admin(), "repository:open/x:pull", 1800),
        (&test.admin(), "repository:open/x:pull,push", 7200),
        (&As::Nobody, "repository:open/x:pull,push", 1800),
    ] {
        let answer = test
            .get(who, &format!("/service/token?{SERVICE}&scope={scope}"))
            .await;
        assert_eq!(answer.json()["expires_in"], seconds, "{scope}");
    }
    let other = test.get(&test.admin(), "/service/token?service=other").await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (StatusCode::BAD_REQUEST, "BAD_REQUEST")
    );
}

#[sqlx::test]
async fn p58_wrong_credentials_never_become_anonymous(pool: PgPool) {
    let test = TestApp::new(pool).await;
    test.create_project("open", true).await;
    for who in [
        As::Basic("admin".into(), "wrong".into()),
        As::Basic("nobody".into(), "wrong".into()),
        As::Basic("robot-x".into(), "wrong".into()),
        As::Bearer("abc.def.ghi".into()),
    ] {
        let answer = test
            .get(
                &who,
                &format!("/service/token?{SERVICE}&scope=repository:open/x:pull"),
            )
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            "{who:?}"
        );
    }
}

#[sqlx::test]
async fn p62_post_with_password_and_refresh_token(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let p = test.create_project("p", false).await;
    test.create_user("dev").await;
    test.add_member(p, "dev", 2).await;
    let form = format!(
        "grant_type=password&{SERVICE}&client_id=x&username=dev&password={PASSWORD}&scope=repository:p/app:pull"
    );
    let answer = post(&test, &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.json()["access_token"].is_string() && answer.json().get("refresh_token").is_none());

    let answer = post(&test, &format!("{form}&access_type=offline")).await;
    let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let redeem = format!(
        "grant_type=refresh_token&{SERVICE}&client_id=x&refresh_token={refresh}&scope=repository:p/app:push"
    );
    let answer = post(&test, &redeem).await;
    assert_eq!(answer.status, StatusCode::OK);
    let token = As::Bearer(answer.json()["access_token"].as_str().unwrap().to_owned());
    assert!(scopes(&test, &token).allows("p/app", Action::Push));

    let wrong = post(&test, &form.replace(PASSWORD, "wrong")).await;
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (StatusCode::UNAUTHORIZED, "UNAUTHORIZED")
    );
    for bad in [
        "grant_type=foo",
        "",
        "grant_type=password&username=dev",
        "grant_type=refresh_token",
    ] {
        let answer = post(&test, bad).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            "{bad}"
        );
    }
    // What is no form is refused in JSON too, whatever its type says.
    for (kind, body) in [("application/json", "{}"), ("text/html", "<p>"), ("", &form)] {
        let builder = Request::builder().method(Method::POST).uri("/service/token");
        let builder = if kind.is_empty() {
            builder
        } else {
            builder.header(header::CONTENT_TYPE, kind)
        };
        let answer = test
            .request(builder.body(Body::from(body.to_owned())).unwrap())
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            "{kind}"
        );
    }
    let unknown = post(&test, "grant_type=refresh_token&refresh_token=slipway_rt_none").await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    let other = test.send(&As::Nobody, Method::PUT, "/service/token").await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED")
    );

    // A new password makes the old refresh token void.
    test.send_json(
        &As::Basic("dev".into(), PASSWORD.into()),
        Method::PUT,
        "/api/v2.0/users/3/password",
        &serde_json::json!({"old_password": PASSWORD, "new_password": "Another-Passw0rd"}),
    )
    .await;
    assert_eq!(post(&test, &redeem).await.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test]
async fn refresh_tokens_end(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let answer = test
        .get(
            &test.admin(),
            &format!("/service/token?{SERVICE}&offline_token=true"),
        )
        .await;
    let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let redeem = format!("grant_type=refresh_token&refresh_token={refresh}");
    test.advance(TimeDelta::days(29));
    assert_eq!(post(&test, &redeem).await.status, StatusCode::OK);
    test.advance(TimeDelta::days(31));
    assert_eq!(post(&test, &redeem).await.status, StatusCode::UNAUTHORIZED);
    let anonymous = test
        .get(
            &As::Nobody,
            &format!("/service/token?{SERVICE}&offline_token=true"),
        )
        .await;
    assert!(anonymous.json().get("refresh_token").is_none());
}

/// A token is void on the very next request once its robot is disabled, expired or has another secret.
#[sqlx::test]
async fn a_robots_token_ends_with_the_robot(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let p = test.create_project("p", false).await;
    let set = async |sql: &'static str| {
        sqlx::query(sql)
            .execute(&test.app.pool)
            .await
            .map(|_| ())
            .unwrap()
    };
    let robot = test.create_robot((p, "p"), "ci", &[("repository", "pull")]).await;
    let token = test.token(&robot, &["repository:p/app:pull"]).await;
    let status = async |who: &As| test.get(who, "/v2/").await.status;
    assert_eq!(status(&token).await, StatusCode::OK);

    set("UPDATE robots SET disabled = true").await;
    assert_eq!(status(&token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&robot).await, StatusCode::UNAUTHORIZED);
    set("UPDATE robots SET disabled = false, expires_at = '2026-01-02T03:04:05Z'").await;
    assert_eq!(status(&token).await, StatusCode::UNAUTHORIZED);
    // Lessons 48: whoever has the right secret learns why.
    let answer = test.get(&robot, "/v2/").await;
    assert!(
        answer.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("expired"),
        "{answer:?}"
    );
    set("UPDATE robots SET expires_at = NULL").await;
    assert_eq!(status(&token).await, StatusCode::OK);

    // Lessons 49: with a time of grace both secrets, and tokens of both, are good.
    set("UPDATE robots SET previous_secret_hash = secret_hash, previous_valid_until = '2026-01-02T03:09:05Z', secret_hash = 'x'")
        .await;
    assert_eq!(
        (status(&token).await, status(&robot).await),
        (StatusCode::OK, StatusCode::OK)
    );
    test.advance(TimeDelta::minutes(5));
    assert_eq!(
        (status(&token).await, status(&robot).await),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
}

#[sqlx::test]
async fn a_users_token_ends_with_password_and_account(pool: PgPool) {
    let test = TestApp::new(pool).await;
    let dev = test.create_user("dev").await;
    let token = test.token(&dev, &[]).await;
    let change = serde_json::json!({"old_password": PASSWORD, "new_password": "Another-Passw0rd"});
    let changed = test
        .send_json(&dev, Method::PUT, "/api/v2.0/users/3/password", &change)
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(test.get(&token, "/v2/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(test.get(&dev, "/v2/").await.status, StatusCode::UNAUTHORIZED);
    let dev = As::Basic("dev".into(), "Another-Passw0rd".into());
    let token = test.token(&dev, &[]).await;
    assert_eq!(test.get(&token, "/v2/").await.status, StatusCode::OK);
    test.send(&test.admin(), Method::DELETE, "/api/v2.0/users/3")
        .await;
    assert_eq!(test.get(&token, "/v2/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(test.get(&dev, "/v2/").await.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test]
async fn the_system_account_gets_tokens(pool: PgPool) {
    use crate::config::{SecretSource, SystemAccount};
    use crate::kernel::secret::Secret;
    let account = SystemAccount {
        name: "operator".into(),
        password: SecretSource::Inline(Secret::new("op-secret")),
    };
    let test = TestApp::with_config(pool, |config| config.system_account = Some(account)).await;
    test.create_project("p", false).await;
    let token = test
        .token(
            &As::Basic("operator".into(), "op-secret".into()),
            &["repository:p/x:pull,push"],
        )
        .await;
    assert!(scopes(&test, &token).allows("p/x", Action::Push));
    assert_eq!(test.get(&token, "/v2/").await.status, StatusCode::OK);
    let wrong = test
        .get(&As::Basic("operator".into(), ADMIN_PASSWORD.into()), "/v2/")
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
}
