//! The client against servers that behave well and badly.

mod features;
mod server;

use std::time::{Duration, Instant};

use server::{Server, answer};
use slipway_api::client::{Claim, Client, Error, ProjectFilter, collect};
use slipway_api::{OwnerMark, ProjectCreate, QuotaUpdate, RobotSecretPatch, Secret};

fn client(server: &Server) -> Client {
    Client::builder(&server.url)
        .basic("robot$p+x", "Ge:heim 1")
        .build()
        .expect("a client")
}

#[tokio::test]
async fn every_part_of_a_path_is_encoded() {
    let server = Server::start(vec![answer(200, "", "{}"); 3]);
    let client = client(&server);
    client.project_get("a/b?c#d%2F").await.unwrap();
    client.repository_get("p", "x/y z").await.unwrap();
    client.artifact_get("p", "r", "sha256:00").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /api/v2.0/projects/a%2Fb%3Fc%23d%252F",
            "GET /api/v2.0/projects/p/repositories/x%252Fy%20z",
            "GET /api/v2.0/projects/p/repositories/r/artifacts/sha256:00",
        ]
    );
    for trap in ["", ".", ".."] {
        assert!(
            matches!(client.project_delete(trap).await, Err(Error::Invalid(_))),
            "{trap}"
        );
    }
}

#[tokio::test]
async fn credentials_go_with_every_request_and_any_character_works() {
    let server = Server::start(vec![answer(200, "", "Pong")]);
    client(&server).ping().await.unwrap();
    // robot$p+x:Ge:heim 1
    let expected = "authorization: basic cm9ib3QkccareDpHZTpoZWltIDE=";
    let seen = &server.seen()[0].headers;
    let sent = seen
        .iter()
        .find(|line| line.starts_with("authorization: "))
        .unwrap();
    assert_eq!(sent.len(), expected.len(), "{sent}");
    assert!(!format!("{:?}", client(&server)).contains("heim"));
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let page = |from: usize, to: usize| {
        let names: Vec<String> = (from..to)
            .map(|n| format!("{{\"project_id\":{n},\"name\":\"p{n}\"}}"))
            .collect();
        answer(200, "x-total-count: 230\r\n", &format!("[{}]", names.join(",")))
    };
    let server = Server::start(vec![page(0, 100), page(100, 200), page(200, 230)]);
    let filter = ProjectFilter {
        name: Some("a b".into()),
        ..Default::default()
    };
    let projects = collect(client(&server).project_list(filter)).await.unwrap();
    assert_eq!(projects.len(), 230);
    assert_eq!(
        server.lines()[2],
        "GET /api/v2.0/projects?name=a+b&page=3&page_size=100"
    );
}

#[tokio::test]
async fn a_list_without_total_ends_with_a_short_page() {
    let server = Server::start(vec![answer(200, "", "null")]);
    assert!(collect(client(&server).robot_list(7)).await.unwrap().is_empty());
    assert_eq!(
        server.lines(),
        ["GET /api/v2.0/robots?q=Level%3Dproject%2CProjectID%3D7&page=1&page_size=100"]
    );
}

#[tokio::test]
async fn what_is_safe_is_repeated() {
    let busy = answer(503, "retry-after: 1\r\n", "");
    let server = Server::start(vec![
        busy,
        answer(429, "", ""),
        String::new(),
        answer(200, "", ""),
    ]);
    let begin = Instant::now();
    client(&server)
        .quota_update(3, &QuotaUpdate::storage(-1))
        .await
        .unwrap();
    assert!(
        begin.elapsed() >= Duration::from_secs(1),
        "Retry-After was not followed"
    );
    assert_eq!(server.seen().len(), 4);
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.body == r#"{"hard":{"storage":-1}}"#)
    );
}

#[tokio::test]
async fn what_is_not_safe_is_sent_once() {
    let server = Server::start(vec![answer(503, "", ""), answer(201, "", "")]);
    let project = ProjectCreate {
        project_name: "p".into(),
        ..Default::default()
    };
    let error = client(&server).project_create(&project).await.unwrap_err();
    assert_eq!((error.status(), error.is_transient()), (Some(503), true));
    let server = Server::start(vec![String::new(), answer(200, "", "{}")]);
    let patch = RobotSecretPatch {
        secret: Secret::new("Abcdefg1"),
        grace_seconds: Some(60),
    };
    let error = client(&server).robot_set_secret(1, &patch).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(server.seen().len(), 1);
    assert_eq!(
        server.seen()[0].body,
        r#"{"secret":"Abcdefg1","grace_seconds":60}"#
    );
}

#[tokio::test]
async fn errors_tell_what_the_registry_said() {
    let body = r#"{"errors":[{"code":"NOT_FOUND","message":"project x not found"}]}"#;
    let plain = answer(500, "", "<html>");
    let server = Server::start(vec![answer(404, "x-request-id: r-1\r\n", body), plain]);
    let client = client(&server);
    assert!(client.project_find("x").await.unwrap().is_none());
    let error = client.project_get("x").await.unwrap_err();
    assert_eq!(
        (error.status(), error.code(), error.message().as_str()),
        (Some(500), Some(""), "<html>")
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(vec![answer(200, "", "{}")]);
    let location = format!("location: {}/api/v2.0/projects/p\r\n", other.url);
    let server = Server::start(vec![answer(302, &location, "")]);
    let error = client(&server).project_get("p").await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_claim_names_the_other_owner() {
    let other = OwnerMark {
        cluster: "c".into(),
        namespace: "n".into(),
        name: "a".into(),
        uid: "u".into(),
    };
    let detail = serde_json::to_string(&other).unwrap();
    let body = format!(r#"{{"errors":[{{"code":"CONFLICT","message":"m","detail":{detail}}}]}}"#);
    let server = Server::start(vec![answer(409, "", &body), answer(200, "", "")]);
    let mine = OwnerMark {
        uid: "v".into(),
        ..other.clone()
    };
    let client = client(&server);
    assert_eq!(
        client.owner_claim("p", &mine, false).await.unwrap(),
        Claim::Other(other)
    );
    assert_eq!(client.owner_claim("p", &mine, true).await.unwrap(), Claim::Held);
    assert_eq!(
        server.lines()[1],
        "PUT /api/slipway/v1/projects/p/owner?takeover=true"
    );
}

#[tokio::test]
async fn only_the_given_authority_is_trusted() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let start = || {
        let (certificate, key) = (issued.cert.der().to_vec(), issued.signing_key.serialize_der());
        Server::start_tls(vec![answer(200, "", "Pong"); 4], certificate, key)
    };
    let server = start();
    let trusting = Client::builder(&server.url)
        .ca_pem(issued.cert.pem())
        .build()
        .unwrap();
    trusting.ping().await.unwrap();

    let server = start();
    let stranger = Client::builder(&server.url).attempts(1).build().unwrap();
    let error = stranger.ping().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(server.seen().is_empty());
}

#[test]
fn what_cannot_work_is_refused_at_once() {
    for bad in [
        "",
        "registry.example.com",
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x/?q",
    ] {
        assert!(Client::builder(bad).build().is_err(), "{bad}");
    }
    assert!(Client::builder("https://x").ca_pem("no pem").build().is_err());
    assert!(Client::builder("https://x/prefix/").build().is_ok());
}
