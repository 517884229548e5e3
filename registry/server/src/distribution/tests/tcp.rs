//! What only a real connection shows: bodies that are cut, heads without bodies.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use slipway_model::Digest;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::Client;
use crate::testing::{ADMIN_PASSWORD, TestApp};

async fn listen(app: &TestApp) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = crate::router::build(app.app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Sends the head and a part of the body, then closes its side (or all) of the connection.
async fn send(address: SocketAddr, head: &str, body: &[u8], read: bool) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let auth = STANDARD.encode(format!("admin:{ADMIN_PASSWORD}"));
    let head =
        format!("{head}\r\nHost: registry\r\nConnection: close\r\nAuthorization: Basic {auth}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    if !read {
        // Let the server see the bytes before the connection goes.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        return String::new();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Waits until an upload is at this offset and free.
async fn settled(client: &Client<'_>, location: &str, range: &str) {
    for _ in 0..100 {
        let free = super::support::number(
            client.app,
            "SELECT count(*) FROM uploads WHERE claimed_until IS NULL",
        )
        .await;
        if free == 1 && client.get(location).await.header("range") == range {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the upload is at {}", client.get(location).await.header("range"));
}

#[sqlx::test]
async fn h60_a_cut_connection_keeps_what_arrived_and_finishes_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let address = listen(&app).await;
    let client = Client::admin(&app);
    let location = client.begin("p/app").await;

    send(
        address,
        &format!("PATCH {location} HTTP/1.1\r\nContent-Length: 1000"),
        &[1; 300],
        false,
    )
    .await;
    settled(&client, &location, "0-299").await;
    let chunked = format!("PATCH {location} HTTP/1.1\r\nTransfer-Encoding: chunked");
    send(
        address,
        &chunked,
        &[b"64\r\n".as_slice(), &[1; 100], b"\r\n64\r\n11"].concat(),
        false,
    )
    .await;
    settled(&client, &location, "0-401").await;

    let digest = Digest::sha256(&[1; 802]);
    let put = format!("PUT {location}?digest={digest} HTTP/1.1\r\nContent-Length: 800");
    send(address, &put, &[1; 398], false).await;
    settled(&client, &location, "0-799").await;
    assert_eq!(
        client.head(&format!("/v2/p/app/blobs/{digest}")).await.status,
        404
    );
}

#[sqlx::test]
async fn p23_heads_carry_the_length_and_no_body(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let address = listen(&app).await;
    let image = Client::admin(&app)
        .image("p/app", "v1", "a layer of some length")
        .await;
    for (path, length) in [
        ("manifests/v1".to_owned(), image.manifest.len()),
        (format!("blobs/{}", image.layer), 22),
    ] {
        let answer = send(address, &format!("HEAD /v2/p/app/{path} HTTP/1.1"), b"", true).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(
            head.to_lowercase()
                .contains(&format!("content-length: {length}\r\n")),
            "{head}"
        );
        assert_eq!(body, "");
    }
}

#[sqlx::test]
async fn large_bodies_stream_both_ways(pool: PgPool) {
    let app = TestApp::new(pool).await;
    app.create_project("p", false).await;
    let address = listen(&app).await;
    let content: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let digest = Digest::sha256(&content);
    let post = format!(
        "POST /v2/p/app/blobs/uploads/?digest={digest} HTTP/1.1\r\nContent-Length: {}",
        content.len()
    );
    let answer = send(address, &post, &content, true).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let answer = send(
        address,
        &format!("GET /v2/p/app/blobs/{digest} HTTP/1.1\r\nRange: bytes=5000000-"),
        b"",
        true,
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 206"), "{}", &answer[..200]);
    let whole = Client::admin(&app)
        .get(&format!("/v2/p/app/blobs/{digest}"))
        .await;
    assert!(whole.body == content);
}
