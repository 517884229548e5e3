//! SIGTERM in the middle of work.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use futures::stream;
use reqwest::{Body, Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::stack::Stack;
use crate::support::wire::Wire;

/// How long the slow transfers take.
const PIECES: usize = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// Brings a blob piece by piece.
fn slow_body(blob: &Blob) -> Body {
    let pieces: Vec<Bytes> = blob
        .bytes
        .chunks(blob.bytes.len().div_ceil(PIECES))
        .map(Bytes::copy_from_slice)
        .collect();
    Body::wrap_stream(stream::unfold(pieces.into_iter(), |mut pieces| async move {
        let piece = pieces.next()?;
        tokio::time::sleep(PAUSE).await;
        Some((Ok::<_, std::io::Error>(piece), pieces))
    }))
}

/// Reads a blob piece by piece, with pauses that fill every buffer on the way.
async fn slow_download(wire: Wire, digest: String) -> Result<String> {
    let mut answer = wire
        .request(Method::GET, &format!("/v2/p/app/blobs/{digest}"))
        .send()
        .await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.status());
    let (mut hash, mut unslept) = (Sha256::new(), 0);
    while let Some(piece) = answer.chunk().await? {
        hash.update(&piece);
        unslept += piece.len();
        if unslept > 2 << 20 {
            unslept = 0;
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(format!("sha256:{}", hex::encode(hash.finalize())))
}

#[tokio::test]
async fn sigterm_lets_running_transfers_end_and_sends_new_ones_to_the_next_replica() -> Result<()> {
    let settings = [("DRAIN_DELAY", "1s"), ("DRAIN_TIMEOUT", "60s")];
    let mut stack = Stack::start("drain", 2, &settings).await?;
    let (leaving, staying) = (stack.wire(0)?, stack.wire(1)?);
    let mut random = Random::new(14);
    let (up, down) = (
        Blob::new(random.bytes(1 << 20)),
        Blob::new(random.bytes(48 << 20)),
    );
    leaving
        .post_whole("p/app", &down)
        .await?
        .expect(StatusCode::CREATED)?;
    let session = leaving.session("p/app").await?;

    let began = Instant::now();
    let upload = tokio::spawn({
        let (wire, body, digest) = (leaving.clone(), slow_body(&up), up.digest.clone());
        async move { wire.finish(&session, &digest, body).await }
    });
    let download = tokio::spawn(slow_download(leaving.clone(), down.digest.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    stack.replicas[0].terminate()?;

    // Not ready at once, while connections are still served: until every proxy has seen it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ready = leaving.get("/readyz").await?;
    ensure!(
        ready.status == StatusCode::SERVICE_UNAVAILABLE,
        "/readyz: {} {}",
        ready.status,
        ready.text()
    );
    // Then nobody gets in any more, and the other replica serves.
    let address = stack.replicas[0].host();
    while std::net::TcpStream::connect(&address).is_ok() {
        if began.elapsed() > Duration::from_secs(10) {
            bail!("new connections are still taken");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ensure!(
        !upload.is_finished() && !download.is_finished(),
        "too quick to show anything"
    );
    let image = Image::new(vec![Blob::new(random.bytes(10_000))], "elsewhere");
    staying.push("p/app", "v1", &image).await?;

    upload.await??.expect(StatusCode::CREATED)?;
    ensure!(download.await?? == down.digest, "the download was cut");
    println!("transfers ended {:?} after they began", began.elapsed());
    let status = stack.replicas[0].ended(Duration::from_secs(15)).await?;
    ensure!(status.success(), "exit status: {status}");
    ensure!(
        staying.digest_of("p/app", &up.digest).await?.0 == up.digest,
        "the upload is not whole"
    );
    stack.end().await
}
