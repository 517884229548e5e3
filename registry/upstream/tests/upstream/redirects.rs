use super::*;
use slipway_simulator::{Auth, Fault};

fn to(target: &str) -> Fault {
    Fault::Status(307, vec![("location", target.to_owned())])
}

/// Another host, as far as credentials go.
async fn elsewhere() -> (Simulator, String) {
    let simulator = Simulator::start(Habits::default()).await;
    let url = simulator.url.replace("127.0.0.1", "localhost");
    (simulator, url)
}

#[tokio::test]
async fn p28_credentials_stay_behind_when_a_redirect_leads_elsewhere() {
    for auth in [Auth::tokens(), Auth::Basic] {
        let (store, store_url) = elsewhere().await;
        let (simulator, upstream) = start(Habits {
            auth,
            ..Habits::default()
        })
        .await;
        let digest = simulator.put_blob("p/app", noise(1_000));
        store.page("/object?sig=1", 200, &[], "hello, I am not that blob");
        upstream.has_blob(&name("p/app"), &digest).await.unwrap();
        simulator.fault(1, "GET", "blobs", to(&format!("{store_url}/object?sig=1")));
        let error = get(&upstream, "p/app", &digest).await.unwrap_err();
        assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
        assert_no_secret(&error);
        let seen = store.seen();
        assert_eq!(seen.len(), 1);
        assert!(seen[0].header("authorization").is_none(), "{seen:?}");
    }
}

#[tokio::test]
async fn another_port_of_the_same_host_is_elsewhere() {
    let other = Simulator::start(Habits::default()).await;
    let (simulator, upstream) = start(Habits {
        auth: Auth::Basic,
        ..Habits::default()
    })
    .await;
    let digest = other.put_blob("p/app", "hello");
    simulator.put_blob("p/app", "hello");
    upstream.has_blob(&name("p/app"), &digest).await.unwrap();
    simulator.fault(
        1,
        "GET",
        "blobs",
        to(&format!("{}/v2/p/app/blobs/{digest}", other.url)),
    );
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), b"hello");
    assert!(other.seen()[0].header("authorization").is_none());
}

#[tokio::test]
async fn a_redirect_inside_the_registry_keeps_them() {
    let (simulator, upstream) = start(Habits {
        auth: Auth::Basic,
        ..Habits::default()
    })
    .await;
    let digest = simulator.put_blob("p/library/app", "hello");
    upstream.has_blob(&name("p/library/app"), &digest).await.unwrap();
    simulator.fault(
        1,
        "GET",
        "/p/app/blobs",
        to(&format!("/v2/p/library/app/blobs/{digest}")),
    );
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_cut_behind_a_redirect_is_taken_up_through_the_registry() {
    let (store, store_url) = elsewhere().await;
    let (simulator, upstream) = start(Habits::default()).await;
    let digest = simulator.put_blob("p/app", noise(100_000));
    store.put_blob("p/app", noise(100_000));
    simulator.fault(
        9,
        "GET",
        "blobs",
        to(&format!("{store_url}/v2/p/app/blobs/{digest}")),
    );
    store.fault(1, "GET", "blobs", Fault::Cut(60_000));
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), noise(100_000));
    assert_eq!(simulator.asked("GET", "blobs").len(), 2);
    assert_eq!(
        store.asked("GET", "blobs")[1].header("range"),
        Some("bytes=60000-")
    );
}

#[tokio::test]
async fn p27_looking_for_a_blob_never_asks_the_store() {
    let (store, store_url) = elsewhere().await;
    let (simulator, upstream) = start(Habits::default()).await;
    simulator.fault(1, "HEAD", "blobs", to(&format!("{store_url}/signed-for-get")));
    let found = upstream
        .has_blob(&name("p/app"), &Digest::sha256(b"x"))
        .await
        .unwrap();
    assert_eq!(found, Some(0));
    assert!(store.seen().is_empty());
}

#[tokio::test]
async fn redirects_end() {
    let (simulator, upstream) = start(Habits::default()).await;
    let digest = simulator.put_blob("p/app", "hello");
    simulator.fault(99, "GET", "blobs", to(&format!("/v2/p/app/blobs/{digest}")));
    assert!(matches!(
        get(&upstream, "p/app", &digest).await,
        Err(Error::Protocol { .. })
    ));
    assert_eq!(simulator.seen().len(), 6);
    let (simulator, upstream) = start(Habits::default()).await;
    for target in ["file:///etc/passwd", "gopher://x/", ""] {
        simulator.fault(
            1,
            "GET",
            "tags",
            Fault::Status(302, vec![("location", target.to_owned())]),
        );
        let ended = upstream.tags(&name("p/app"), 10).await;
        assert!(ended.is_ok() == target.is_empty(), "{target}: {ended:?}");
    }
}

#[tokio::test]
async fn an_upload_at_another_host_gets_bytes_and_no_credentials() {
    let (store, store_url) = elsewhere().await;
    let (simulator, upstream) = start(Habits {
        auth: Auth::Basic,
        ..Habits::default()
    })
    .await;
    store.content().uploads.insert("u".to_owned(), Vec::new());
    let location = format!("{store_url}/v2/p/app/blobs/uploads/u");
    upstream
        .has_blob(&name("p/app"), &Digest::sha256(b"x"))
        .await
        .unwrap();
    simulator.page(
        "POST /v2/p/app/blobs/uploads/",
        202,
        &[("location", &location)],
        "",
    );
    let digest = Digest::sha256(b"hello");
    let content = bytes::Bytes::from("hello");
    upstream
        .push_blob(&name("p/app"), &digest, 5, &content, &Default::default())
        .await
        .unwrap();
    let seen = store.seen();
    assert_eq!(
        seen.iter().map(|seen| seen.method.as_str()).collect::<Vec<_>>(),
        ["PATCH", "PUT"]
    );
    assert!(seen.iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn lesson_74_inner_addresses_are_not_connected_to() {
    let (inner, inner_url) = elsewhere().await;
    // The registry itself, by number and by name, open and closed: one answer.
    let mut texts = std::collections::HashSet::new();
    for url in [
        inner.url.as_str(),
        "http://127.0.0.1:9",
        "http://169.254.169.254",
        "http://[::1]:80",
    ] {
        let denied = endpoint(url).addresses(AddressPolicy::public_only());
        let error = Upstream::new(&denied).unwrap().ping().await.unwrap_err();
        assert!(matches!(error, Error::AddressDenied { .. }), "{error}");
        texts.insert(error.to_string().split(':').next_back().map(str::to_owned));
    }
    let denied = endpoint(&inner_url).addresses(AddressPolicy::public_only());
    let error = Upstream::new(&denied).unwrap().ping().await.unwrap_err();
    assert!(matches!(error, Error::AddressDenied { .. }), "{error}");
    assert_eq!(texts.len(), 1, "{texts:?}");
    // A registry that is allowed and leads to one that is not: by redirect, by realm, by an upload's address.
    let realm = Some("http://127.0.0.2:9/token".to_owned());
    let auth = Auth::Tokens {
        get: true,
        post: true,
        realm,
        anonymous: true,
        life: 60,
    };
    let only_here = AddressPolicy::public_and(["127.0.0.1/32".parse().unwrap()]);
    let tokens = Simulator::start(Habits {
        auth,
        ..Habits::default()
    })
    .await;
    let upstream = Upstream::new(&endpoint(&tokens.url).addresses(only_here.clone())).unwrap();
    let error = upstream.tags(&name("p/app"), 10).await.unwrap_err();
    assert!(matches!(error, Error::AddressDenied { .. }), "{error}");
    let simulator = Simulator::start(Habits::default()).await;
    let upstream = Upstream::new(&endpoint(&simulator.url).addresses(only_here)).unwrap();
    let digest = simulator.put_blob("p/app", "hello");
    simulator.fault(1, "GET", "blobs", to("http://127.0.0.2:9/x"));
    let error = get(&upstream, "p/app", &digest).await.unwrap_err();
    assert!(matches!(error, Error::AddressDenied { .. }), "{error}");
    simulator.page(
        "POST /v2/p/app/blobs/uploads/",
        202,
        &[("location", "http://127.0.0.2:9/upload")],
        "",
    );
    let content = bytes::Bytes::from("other");
    let pushed = upstream
        .push_blob(
            &name("p/app"),
            &Digest::sha256(b"other"),
            5,
            &content,
            &Default::default(),
        )
        .await;
    assert!(matches!(pushed, Err(Error::AddressDenied { .. })), "{pushed:?}");
    assert!(inner.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_is_gone_through_and_its_password_is_not_shown() {
    // To an HTTP registry a proxy speaks like a server.
    let proxy = Simulator::start(Habits::default()).await;
    let digest = proxy.put_blob("p/app", "hello");
    let url = url::Url::parse(&proxy.url.replace("http://", "http://me:Ge:heim@")).unwrap();
    let behind = Endpoint::parse("http://registry.invalid")
        .unwrap()
        .patience(patience())
        .proxy(url.clone());
    assert!(!format!("{behind:?}").contains("Ge:heim") && !format!("{behind:?}").contains("Ge%3Aheim"));
    let upstream = Upstream::new(&behind).unwrap();
    assert!(!format!("{upstream:?}").contains("heim"));
    assert_eq!(get(&upstream, "p/app", &digest).await.unwrap(), b"hello");
    let seen = &proxy.seen()[0];
    assert_eq!(seen.header("host"), Some("registry.invalid"));
    assert!(
        seen.header("proxy-authorization")
            .is_some_and(|value| value.starts_with("Basic "))
    );
    // A number is judged all the same.
    let inner = Endpoint::parse("http://169.254.169.254").unwrap().proxy(url);
    let error = Upstream::new(&inner).unwrap().ping().await.unwrap_err();
    assert!(matches!(error, Error::AddressDenied { .. }), "{error}");
}
