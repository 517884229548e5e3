use slipway_upstream::{Denial, Secret};

use super::*;
use slipway_simulator::{Auth, Fault};

fn tokens(get: bool, post: bool) -> Habits {
    Habits {
        auth: Auth::Tokens {
            get,
            post,
            realm: None,
            anonymous: false,
            life: 300,
        },
        ..Habits::default()
    }
}

fn denial(error: &Error) -> Option<Denial> {
    match error {
        Error::Unauthorized { denial, .. } => Some(*denial),
        _ => None,
    }
}

#[tokio::test]
async fn tokens_by_get_are_asked_for_once_a_scope() {
    let (simulator, upstream) = start(tokens(true, true)).await;
    let digest = simulator.put_blob("p/app", "hello");
    for _ in 0..3 {
        assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), b"hello");
    }
    assert_eq!(simulator.tokens().issued, 1);
    // The realm is known by now: no further 401 is provoked.
    let other = simulator.put_blob("p/other", "hello");
    get(&upstream, "p/other", &other).await.unwrap();
    assert_eq!(simulator.tokens().issued, 2);
    assert_eq!(simulator.asked("GET", "p/other").len(), 1);
    let asked = simulator.asked("GET", "/token");
    assert_eq!(asked[0].query("scope"), ["repository:p/app:pull"]);
    assert_eq!(asked[0].query("service"), ["simulator"]);
    assert!(upstream.ping().await.unwrap().authenticated);
}

#[tokio::test]
async fn p62_tokens_by_post_where_get_is_not_known() {
    let (simulator, upstream) = start(tokens(false, true)).await;
    let digest = simulator.put_blob("p/app", "hello");
    get(&upstream, "p/app", &digest).await.unwrap();
    upstream.tags(&name("p/b"), 10).await.unwrap();
    assert_eq!(simulator.asked("POST", "/token").len(), 2);
    // What was learned is kept.
    assert_eq!(simulator.asked("GET", "/token").len(), 1);
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let simulator = Simulator::start(tokens(false, true)).await;
    let identity = Credential::Identity(Secret::new("identity-1"));
    let upstream = Upstream::new(&endpoint(&simulator.url).credential(identity)).unwrap();
    assert!(upstream.ping().await.unwrap().authenticated);
    let wrong = Credential::Identity(Secret::new("identity-1x"));
    let upstream = Upstream::new(&endpoint(&simulator.url).credential(wrong)).unwrap();
    let error = upstream.ping().await.unwrap_err();
    assert_eq!(denial(&error), Some(Denial::Credentials));
    assert_no_secret(&error);
}

#[tokio::test]
async fn registries_that_know_only_passwords() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::Basic,
        ..Habits::default()
    })
    .await;
    let digest = simulator.put_blob("p/app", "hello");
    for _ in 0..2 {
        get(&upstream, "p/app", &digest).await.unwrap();
    }
    // The first request learns, all others know.
    assert_eq!(simulator.seen().len(), 3);
    assert!(simulator.seen()[0].header("authorization").is_none());
    simulator.content().denied.insert("p/secret".to_owned());
    let error = upstream.tags(&name("p/secret"), 10).await.unwrap_err();
    assert_eq!(denial(&error), Some(Denial::Rights));
}

#[tokio::test]
async fn anonymous_callers_get_tokens_or_are_told_to_log_in() {
    let habits = Habits {
        auth: Auth::Tokens {
            get: true,
            post: false,
            realm: None,
            anonymous: true,
            life: 300,
        },
        ..Habits::default()
    };
    let simulator = Simulator::start(habits).await;
    let upstream = Upstream::new(&endpoint(&simulator.url)).unwrap();
    let digest = simulator.put_blob("p/app", "hello");
    get(&upstream, "p/app", &digest).await.unwrap();
    assert!(simulator.seen().iter().all(|seen| {
        !seen
            .header("authorization")
            .is_some_and(|a| a.starts_with("Basic"))
    }));

    for auth in [Auth::tokens(), Auth::Basic] {
        let closed = Simulator::start(Habits {
            auth,
            ..Habits::default()
        })
        .await;
        let upstream = Upstream::new(&endpoint(&closed.url)).unwrap();
        let error = upstream.tags(&name("p/app"), 10).await.unwrap_err();
        assert_eq!(denial(&error), Some(Denial::Anonymous));
        assert!(!upstream.ping().await.unwrap().authenticated);
    }
}

#[tokio::test]
async fn lesson_38_wrong_credentials_are_tried_once_and_then_rest() {
    for auth in [Auth::tokens(), Auth::Basic] {
        let simulator = Simulator::start(Habits {
            auth,
            ..Habits::default()
        })
        .await;
        let wrong = Credential::basic("robot$p+x", "Ge:heim 2");
        let upstream = Upstream::new(&endpoint(&simulator.url).credential(wrong)).unwrap();
        for _ in 0..50 {
            let error = upstream.tags(&name("p/app"), 10).await.unwrap_err();
            assert_eq!(denial(&error), Some(Denial::Credentials), "{error}");
            assert_no_secret(&error);
        }
        let logins = simulator
            .seen()
            .iter()
            .filter(|seen| seen.header("authorization").is_some())
            .count();
        assert_eq!(logins, 1);
        // New credentials are a new client, which knows nothing of that.
        let right = Upstream::new(&endpoint(&simulator.url).credential(account())).unwrap();
        assert!(right.ping().await.unwrap().authenticated);
    }
}

#[tokio::test]
async fn missing_rights_are_told_apart_from_wrong_credentials() {
    let (simulator, upstream) = start(tokens(true, true)).await;
    simulator.content().denied.insert("p/secret".to_owned());
    let error = upstream.tags(&name("p/secret"), 10).await.unwrap_err();
    assert_eq!(denial(&error), Some(Denial::Rights));
    assert!(
        error.to_string().contains("p/secret") && error.to_string().contains("127.0.0.1"),
        "{error}"
    );
    // One denied repository spoils nothing for another.
    upstream.tags(&name("p/app"), 10).await.unwrap();
}

#[tokio::test]
async fn p58_a_registry_that_lets_everybody_in_still_says_whether_the_password_is_good() {
    let (simulator, upstream) = start(Habits::default()).await;
    assert!(upstream.ping().await.unwrap().authenticated);
    assert_eq!(simulator.asked("GET", "/v2/").len(), 2);
    simulator.fault(
        9,
        "GET",
        "/v2/",
        Fault::Status(401, vec![("www-authenticate", "Basic realm=x".into())]),
    );
    let upstream = Upstream::new(&endpoint(&simulator.url).credential(account())).unwrap();
    assert_eq!(
        denial(&upstream.ping().await.unwrap_err()),
        Some(Denial::Credentials)
    );
}

#[tokio::test]
async fn p11_a_token_that_ends_in_mid_run_is_replaced() {
    let (simulator, upstream) = start(tokens(true, true)).await;
    let digest = simulator.put_blob("p/app", "hello");
    get(&upstream, "p/app", &digest).await.unwrap();
    simulator.tokens().revoke_all();
    get(&upstream, "p/app", &digest).await.unwrap();
    assert_eq!(simulator.tokens().issued, 2);
}

#[tokio::test]
async fn many_callers_fetch_one_token() {
    let (simulator, upstream) = start(tokens(true, true)).await;
    let digest = simulator.put_blob("p/app", "hello");
    simulator.fault(1, "GET", "/token", Fault::Slow(Duration::from_millis(100)));
    let all = futures::future::join_all((0..32).map(|_| get(&upstream, "p/app", &digest))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(simulator.tokens().issued, 1);
}

#[tokio::test]
async fn a_password_never_goes_to_a_token_host_that_nobody_confirmed() {
    let elsewhere = Simulator::start(tokens(true, true)).await;
    let realm = elsewhere.url.replace("127.0.0.1", "localhost") + "/token";
    let habits = Habits {
        auth: Auth::Tokens {
            get: true,
            post: true,
            realm: Some(realm),
            anonymous: false,
            life: 300,
        },
        ..Habits::default()
    };
    let (simulator, upstream) = start(habits).await;
    let error = upstream.tags(&name("p/app"), 10).await.unwrap_err();
    assert!(
        matches!(&error, Error::UntrustedRealm { realm, .. } if realm == "localhost"),
        "{error}"
    );
    assert!(elsewhere.seen().is_empty());
    // Once it is confirmed it is asked; its tokens mean nothing to the other simulator.
    let confirmed = endpoint(&simulator.url)
        .credential(account())
        .token_host("LOCALHOST");
    let error = Upstream::new(&confirmed)
        .unwrap()
        .tags(&name("p/app"), 10)
        .await
        .unwrap_err();
    assert_eq!(denial(&error), Some(Denial::Rights));
    assert!(!elsewhere.asked("GET", "/token").is_empty());
}

#[tokio::test]
async fn a_token_given_by_hand_is_sent_as_it_is() {
    let simulator = Simulator::start(Habits::default()).await;
    let fixed = Credential::Bearer(Secret::new("token-by-hand"));
    let upstream = Upstream::new(&endpoint(&simulator.url).credential(fixed)).unwrap();
    upstream.tags(&name("p/app"), 10).await.unwrap();
    assert_eq!(
        simulator.seen()[0].header("authorization"),
        Some("Bearer token-by-hand")
    );
    assert!(!format!("{upstream:?}").contains("by-hand"));
}

#[tokio::test]
async fn a_token_host_that_answers_nonsense_is_named_and_not_quoted() {
    let (simulator, upstream) = start(tokens(true, true)).await;
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"token":""}"#,
        r#"{"token":"token-\n"}"#,
        r#"["token-7"]"#,
    ] {
        simulator.fault(1, "GET", "/token", Fault::Lie(body.into()));
        let error = upstream.tags(&name("p/app"), 10).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{body}: {error}");
        assert_no_secret(&error);
    }
}

#[tokio::test]
async fn a_realm_is_read_as_a_place_of_the_registry_and_must_be_http() {
    for (realm, works) in [
        ("/token", true),
        ("ftp://127.0.0.1/token", false),
        ("http://", false),
    ] {
        let habits = Habits {
            auth: Auth::Tokens {
                get: true,
                post: true,
                realm: Some(realm.to_owned()),
                anonymous: false,
                life: 300,
            },
            ..Habits::default()
        };
        let (_simulator, upstream) = start(habits).await;
        let listed = upstream.tags(&name("p/app"), 10).await;
        assert_eq!(listed.is_ok(), works, "{realm}: {listed:?}");
    }
}
