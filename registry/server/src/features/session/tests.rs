use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;

use crate::testing::{ADMIN_PASSWORD, Answer, As, PASSWORD, TestApp};

/// A browser: it keeps cookies, and the portal in it the newest token.
#[derive(Clone, Default)]
struct Browser {
    cookies: Vec<(String, String)>,
    token: String,
    no_renewal: bool,
}

impl Browser {
    async fn send(
        &mut self,
        app: &TestApp,
        method: Method,
        uri: &str,
        body: Option<(&str, String)>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        if !self.token.is_empty() {
            request = request.header("X-Harbor-CSRF-Token", &self.token);
        }
        if self.no_renewal {
            request = request.header("X-Harbor-No-Session-Renewal", "true");
        }
        let body = match body {
            Some((kind, text)) => {
                request = request.header(header::CONTENT_TYPE, kind);
                Body::from(text)
            }
            None => Body::empty(),
        };
        let answer = app.request(request.body(body).unwrap()).await;
        for value in answer.headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().unwrap();
            assert!(text.contains("Path=/; HttpOnly; SameSite="), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !text.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(token) = answer.headers.get("x-harbor-csrf-token") {
            self.token = token.to_str().unwrap().to_owned();
        }
        answer
    }

    async fn get(&mut self, app: &TestApp, uri: &str) -> Answer {
        self.send(app, Method::GET, uri, None).await
    }

    async fn form(&mut self, app: &TestApp, uri: &str, fields: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(app, Method::POST, uri, Some((kind, form))).await
    }

    async fn login(&mut self, app: &TestApp, name: &str, password: &str) -> StatusCode {
        let fields = [("principal", name), ("password", password)];
        self.form(app, "/c/login", &fields).await.status
    }

    async fn json(&mut self, app: &TestApp, method: Method, uri: &str, body: &serde_json::Value) -> Answer {
        self.send(app, method, uri, Some(("application/json", body.to_string())))
            .await
    }

    fn sid(&self) -> Option<&str> {
        let found = self.cookies.iter().find(|(name, _)| name == "sid");
        found.map(|(_, value)| value.as_str())
    }
}

/// Logged in the way the portal does it.
async fn logged_in(app: &TestApp, name: &str, password: &str) -> Browser {
    let mut browser = Browser::default();
    browser.get(app, "/api/v2.0/systeminfo").await;
    assert_eq!(browser.login(app, name, password).await, StatusCode::OK);
    browser
}

const CURRENT: &str = "/api/v2.0/users/current";
const PROJECTS: &str = "/api/v2.0/projects";

#[sqlx::test(migrations = "./migrations")]
async fn the_portals_way_in_and_out(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_user("dev").await;
    let mut browser = Browser::default();
    let refused = browser
        .form(&app, "/c/login", &[("principal", "dev"), ("password", PASSWORD)])
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(
        refused.json()["errors"][0]["message"],
        "CSRF token not found in request"
    );
    // That answer has brought the token.
    assert!(!browser.token.is_empty() && browser.sid().is_none());
    for (name, password) in [("dev", "wrong"), ("nobody", PASSWORD), ("", ""), ("dev", "")] {
        assert_eq!(
            browser.login(&app, name, password).await,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(browser.get(&app, CURRENT).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        browser.login(&app, "dev@example.org", PASSWORD).await,
        StatusCode::OK
    );
    let me = browser.get(&app, CURRENT).await;
    assert_eq!(
        (me.status, &me.json()["username"]),
        (StatusCode::OK, &json!("dev"))
    );

    // Logging in again gives another name; the old one opens nothing any more.
    let before = browser.clone();
    assert_eq!(browser.login(&app, "dev", PASSWORD).await, StatusCode::OK);
    assert_ne!(before.sid(), browser.sid());
    assert_eq!(
        before.clone().get(&app, CURRENT).await.status,
        StatusCode::UNAUTHORIZED
    );

    let kept = browser.clone();
    assert_eq!(browser.get(&app, "/c/log_out").await.status, StatusCode::OK);
    assert!(browser.sid().is_none());
    assert_eq!(
        kept.clone().get(&app, CURRENT).await.status,
        StatusCode::UNAUTHORIZED
    );

    app.app.audit.flush(&app.app).await.unwrap();
    let log = app
        .get(
            &app.admin(),
            "/api/v2.0/auditlog-exts?q=resource_type%3Duser&page_size=50&sort=op_time",
        )
        .await
        .json();
    let lines: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            format!(
                "{} {} {}",
                line["operation"], line["username"], line["operation_result"]
            )
            .replace('"', "")
        })
        .collect();
    for (line, times) in [
        ("login dev true", 2),
        ("logout dev true", 1),
        ("login dev false", 1),
        ("login nobody false", 1),
    ] {
        assert_eq!(
            lines.iter().filter(|known| *known == line).count(),
            times,
            "{line}: {lines:?}"
        );
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn changes_in_a_session_need_the_token(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let mut browser = logged_in(&app, "admin", ADMIN_PASSWORD).await;
    let new = |name: &str| json!({"project_name": name});
    let made = browser.json(&app, Method::POST, PROJECTS, &new("one")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");

    let mut without = browser.clone();
    without.token.clear();
    let refused = without.json(&app, Method::POST, PROJECTS, &new("two")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(
        refused.json()["errors"][0]["message"],
        "CSRF token not found in request"
    );
    // The answer to that brought the right one.
    assert_eq!(
        without
            .json(&app, Method::POST, PROJECTS, &new("two"))
            .await
            .status,
        StatusCode::CREATED
    );

    for token in ["AAAA", &Browser::default_token(&app).await] {
        let mut wrong = browser.clone();
        token.clone_into(&mut wrong.token);
        let refused = wrong
            .json(&app, Method::DELETE, "/api/v2.0/projects/one", &json!({}))
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(refused.json()["errors"][0]["message"], "CSRF token invalid");
    }
    // A neighbour's page, in whose request the browser puts everything but the truth about where it comes from.
    let cookies: Vec<String> = browser.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
    for (site, status) in [("same-site", 403), ("cross-site", 403), ("same-origin", 200)] {
        let request = Request::builder()
            .method(Method::DELETE)
            .uri("/api/v2.0/projects/one")
            .header(header::COOKIE, cookies.join("; "))
            .header("X-Harbor-CSRF-Token", &browser.token)
            .header("Sec-Fetch-Site", site)
            .body(Body::empty())
            .unwrap();
        assert_eq!(app.request(request).await.status, status, "{site}");
    }
    // Who sends credentials of his own needs no token, cookie or not.
    let request = app
        .admin()
        .on(Request::builder())
        .method(Method::DELETE)
        .uri("/api/v2.0/projects/two")
        .header(header::COOKIE, cookies.join("; "))
        .body(Body::empty())
        .unwrap();
    let answer = app.request(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (answer.header("set-cookie"), answer.header("x-harbor-csrf-token")),
        ("", "")
    );
    // The session reads everywhere, the distribution API and its token service included.
    for path in ["/v2/_catalog", "/service/token?service=harbor-registry", "/v2/"] {
        assert_eq!(browser.get(&app, path).await.status, StatusCode::OK, "{path}");
    }
}

impl Browser {
    async fn default_token(app: &TestApp) -> String {
        let mut other = Self::default();
        other.get(app, "/api/v2.0/ping").await;
        other.token
    }
}

/// The session that was seen in what is now the future is seen now: otherwise the cache would forget it while it is used.
#[sqlx::test(migrations = "./migrations")]
async fn a_session_is_renewed_although_the_clock_was_set_back(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_user("dev").await;
    let mut browser = logged_in(&app, "dev", PASSWORD).await;
    app.advance(TimeDelta::hours(-5));
    assert_eq!(browser.get(&app, CURRENT).await.status, StatusCode::OK);
    app.advance(TimeDelta::minutes(59));
    assert_eq!(browser.get(&app, CURRENT).await.status, StatusCode::OK);
    app.advance(TimeDelta::minutes(61));
    assert_eq!(
        browser.get(&app, CURRENT).await.status,
        StatusCode::UNAUTHORIZED,
        "it ends an hour behind the last request, not behind the wrong time"
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn a_session_ends_with_its_account_its_password_and_its_time(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_user("dev").await;
    let admin = app.admin();
    let is_in = async |browser: &Browser| browser.clone().get(&app, CURRENT).await.status == StatusCode::OK;

    let browser = logged_in(&app, "dev", PASSWORD).await;
    app.advance(TimeDelta::minutes(40));
    assert!(is_in(&browser).await, "a request makes it live longer");
    app.advance(TimeDelta::minutes(40));
    let mut polling = browser.clone();
    polling.no_renewal = true;
    assert_eq!(
        polling.get(&app, CURRENT).await.status,
        StatusCode::OK,
        "one without renewal does not"
    );
    app.advance(TimeDelta::minutes(21));
    assert!(!is_in(&browser).await, "60 minutes without a request");

    let browser = logged_in(&app, "dev", PASSWORD).await;
    let shorter = json!({"session_timeout": 10});
    let changed = app
        .send_json(&admin, Method::PUT, "/api/v2.0/configurations", &shorter)
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    app.advance(TimeDelta::minutes(11));
    assert!(
        !is_in(&browser).await,
        "a shorter time counts for sessions that run"
    );

    let browser = logged_in(&app, "dev", PASSWORD).await;
    let other = logged_in(&app, "dev", PASSWORD).await;
    let id = app
        .get(&admin, "/api/v2.0/users/search?username=dev")
        .await
        .json()[0]["user_id"]
        .clone();
    let change = json!({"new_password": "Another-secret-1"});
    let path = format!("/api/v2.0/users/{id}/password");
    assert_eq!(
        app.send_json(&admin, Method::PUT, &path, &change).await.status,
        StatusCode::OK
    );
    assert!(!is_in(&browser).await && !is_in(&other).await, "another password");

    let browser = logged_in(&app, "dev", "Another-secret-1").await;
    assert!(is_in(&browser).await);
    let gone = app
        .send(&admin, Method::DELETE, &format!("/api/v2.0/users/{id}"))
        .await;
    assert_eq!(gone.status, StatusCode::OK);
    assert!(!is_in(&browser).await, "no account");
}

#[sqlx::test(migrations = "./migrations")]
async fn cookies_and_guessing(pool: PgPool) {
    let app = TestApp::with_config(pool, |config| {
        config.external_url = Some("https://registry.example.org".parse().unwrap());
    })
    .await;
    app.create_user("dev").await;
    app.create_robot((1, "library"), "ci", &[("repository", "pull")])
        .await;
    let mut browser = Browser::default();
    let first = browser.get(&app, "/api/v2.0/projects?public=true").await;
    let cookie = first.header("set-cookie");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure"),
        "{cookie}"
    );
    // Terraform's client splits it at the equals sign.
    assert_eq!(cookie.split(';').next().unwrap().matches('=').count(), 1);
    assert_eq!(
        browser.login(&app, "robot-library--ci", PASSWORD).await,
        StatusCode::UNAUTHORIZED
    );
    let answer = browser
        .form(&app, "/c/login", &[("principal", "dev"), ("password", PASSWORD)])
        .await;
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("sid=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    assert!(answer.body.is_empty());

    for _ in 0..10 {
        assert_eq!(
            browser.login(&app, "dev", "wrong").await,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(
        browser.login(&app, "dev", "wrong").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    let basic = As::Basic("dev".to_owned(), "wrong".to_owned());
    assert_eq!(
        app.get(&basic, CURRENT).await.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the same count"
    );
}

#[sqlx::test(migrations = "./migrations")]
async fn people_make_accounts_where_that_is_allowed(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let admin = app.admin();
    let mut browser = Browser::default();
    browser.get(&app, "/api/v2.0/systeminfo").await;
    let new = json!({"username": "new", "email": "new@example.org", "realname": "N", "password": PASSWORD});
    let users = "/api/v2.0/users";
    let taken = [("target", "username"), ("value", "admin")];
    assert_eq!(
        browser.json(&app, Method::POST, users, &new).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        browser.form(&app, "/c/userExists", &taken).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    let on = json!({"self_registration": true});
    app.send_json(&admin, Method::PUT, "/api/v2.0/configurations", &on)
        .await;
    assert_eq!(
        app.get(&As::Nobody, "/api/v2.0/systeminfo").await.json()["self_registration"],
        true
    );
    assert_eq!(browser.form(&app, "/c/userExists", &taken).await.json(), true);
    let free = [("target", "email"), ("value", "new@example.org")];
    assert_eq!(browser.form(&app, "/c/userExists", &free).await.json(), false);
    let by_program = app.send_json(&As::Nobody, Method::POST, users, &new).await;
    assert_eq!(by_program.status, StatusCode::FORBIDDEN);
    assert_eq!(
        browser.json(&app, Method::POST, users, &new).await.status,
        StatusCode::CREATED
    );
    assert_eq!(browser.login(&app, "new", PASSWORD).await, StatusCode::OK);
}
