//! Clients that are slow, and clients that stop.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use reqwest::{Body, StatusCode};

use crate::support::PASSWORD;
use crate::support::content::Blob;
use crate::support::random::Random;
use crate::support::stack::Stack;

/// What the registry takes for a client that has gone.
const IDLE: &str = "2s";

/// A byte now and then, for much longer than a pause may last.
#[tokio::test]
async fn a_slow_but_honest_upload_is_never_cut() -> Result<()> {
    let stack = Stack::start("slow", 1, &[("IDLE_TIMEOUT", IDLE)]).await?;
    let wire = stack.wire(0)?;
    let blob = Blob::new(b"twenty bytes in ten seconds".to_vec());
    let session = wire.session("p/app").await?;
    let pieces = blob.bytes.clone();
    let body = Body::wrap_stream(stream::unfold(0, move |place| {
        let piece = pieces.get(place).map(|byte| Bytes::copy_from_slice(&[*byte]));
        async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            piece.map(|piece| (Ok::<_, std::io::Error>(piece), place + 1))
        }
    }));
    let answer = wire.finish(&session, &blob.digest, body).await?;
    answer.expect(StatusCode::CREATED)?;
    stack.end().await
}

/// The connection is cut, and what arrived is kept: the client goes on where it was.
#[tokio::test]
async fn an_upload_that_stops_can_be_resumed() -> Result<()> {
    let stack = Stack::start("stops", 1, &[("IDLE_TIMEOUT", IDLE)]).await?;
    let wire = stack.wire(0)?;
    let blob = Blob::new(Random::new(5).bytes(300_000));
    let session = wire.session("p/app").await?;
    let mut stream = connect(&stack)?;
    let head = format!(
        "PATCH {session} HTTP/1.1\r\nHost: registry\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n",
        authorization(),
        blob.bytes.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&blob.bytes[..200_000])?;
    // An answer that says so, or the end of the connection: but not for ever.
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    ensure!(
        !answer.starts_with(b"HTTP/1.1 2"),
        "{}",
        String::from_utf8_lossy(&answer)
    );

    let received = wire.get(&session).await?.received()?;
    ensure!(received <= 200_000, "{received}");
    let rest = blob.bytes[received..].to_vec();
    let answer = wire.finish(&session, &blob.digest, rest).await?;
    answer.expect(StatusCode::CREATED)?;
    stack.end().await
}

/// Readers that take nothing hold neither files nor memory for ever, and nobody else waits for them.
#[tokio::test]
async fn readers_that_stop_are_let_go() -> Result<()> {
    let stack = Stack::start("readers", 1, &[("IDLE_TIMEOUT", IDLE)]).await?;
    let wire = stack.wire(0)?;
    let blob = Blob::new(Random::new(6).bytes(32 << 20));
    let pushed = wire.post_whole("p/app", &blob).await?;
    pushed.expect(StatusCode::CREATED)?;
    let request = format!(
        "GET /v2/p/app/blobs/{} HTTP/1.1\r\nHost: registry\r\nAuthorization: {}\r\n\r\n",
        blob.digest,
        authorization()
    );
    let mut readers = Vec::new();
    for _ in 0..30 {
        let mut stream = connect(&stack)?;
        stream.write_all(request.as_bytes())?;
        readers.push(stream);
    }
    let whole = wire.get(&format!("/v2/p/app/blobs/{}", blob.digest)).await?;
    ensure!(
        whole.body.len() == blob.bytes.len(),
        "somebody else was served {} bytes",
        whole.body.len()
    );

    ensure!(open_blobs(&stack)? > 0, "nobody is being served");
    let start = Instant::now();
    while open_blobs(&stack)? > 0 {
        ensure!(start.elapsed() < Duration::from_secs(60), "they are still held");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for mut stream in readers {
        let mut got = Vec::new();
        stream.read_to_end(&mut got).ok();
        ensure!(got.len() < blob.bytes.len(), "it was cut off");
    }
    stack.end().await
}

fn connect(stack: &Stack) -> Result<TcpStream> {
    let url = stack.replicas[0].url();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

fn authorization() -> String {
    format!("Basic {}", STANDARD.encode(format!("admin:{PASSWORD}")))
}

/// Files of the store that the process holds open.
fn open_blobs(stack: &Stack) -> Result<usize> {
    let folder = format!("/proc/{}/fd", stack.replicas[0].pid()?);
    let files = std::fs::read_dir(folder)?.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    Ok(files.filter(|file| file.starts_with(stack.blobs())).count())
}
