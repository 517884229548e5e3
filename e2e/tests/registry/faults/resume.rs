//! Uploads that are broken off, and go on elsewhere.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use futures::stream;
use reqwest::{Body, Method, StatusCode};

use crate::support::content::Blob;
use crate::support::random::Random;
use crate::support::stack::Stack;
use crate::support::wire::Wire;

/// Waits until an upload stands still, and says where.
pub(crate) async fn settled(wire: &Wire, session: &str) -> Result<usize> {
    let began = Instant::now();
    let mut last = 0;
    loop {
        let now = wire
            .get(session)
            .await?
            .expect(StatusCode::NO_CONTENT)?
            .received()?;
        if now > 0 && now == last {
            return Ok(now);
        }
        if began.elapsed() > Duration::from_secs(20) {
            bail!("nothing of the upload was kept");
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Sends the rest as soon as nobody else holds the upload.
pub(crate) async fn go_on(wire: &Wire, session: &str, from: usize, blob: &Blob) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = wire.patch_at(session, from, blob.bytes.slice(from..)).await?;
        if answer.status == StatusCode::CONFLICT && began.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        }
        answer.expect(StatusCode::ACCEPTED)?;
        break;
    }
    let done = wire
        .finish(session, &blob.digest, Body::default())
        .await?
        .expect(StatusCode::CREATED)?;
    ensure!(
        done.header("location").ends_with(&blob.digest),
        "Location: {}",
        done.header("location")
    );
    println!("went on after {:?}", began.elapsed());
    ensure!(
        wire.digest_of("p/app", &blob.digest).await?.0 == blob.digest,
        "another content"
    );
    Ok(())
}

/// Sends the first bytes and then nothing, until it is cut off.
pub(crate) fn first_bytes(blob: &Blob, length: usize) -> Body {
    let first = blob.bytes.slice(..length);
    Body::wrap_stream(stream::unfold(Some(first), |first: Option<Bytes>| async move {
        match first {
            Some(first) => Some((Ok::<_, std::io::Error>(first), None)),
            None => std::future::pending().await,
        }
    }))
}

#[tokio::test]
async fn p08_one_upload_on_two_replicas() -> Result<()> {
    let stack = Stack::start("two-replicas", 2, &[]).await?;
    let (one, two) = (stack.wire(0)?, stack.wire(1)?);
    let blob = Blob::new(Random::new(8).bytes(3_000_000));
    let session = one.session("p/app").await?;
    two.patch_at(&session, 0, blob.bytes.slice(..1_000_000))
        .await?
        .expect(StatusCode::ACCEPTED)?;
    one.patch_at(&session, 1_000_000, blob.bytes.slice(1_000_000..2_500_000))
        .await?
        .expect(StatusCode::ACCEPTED)?;
    let status = two.get(&session).await?.expect(StatusCode::NO_CONTENT)?;
    ensure!(
        status.header("range") == "0-2499999",
        "Range: {}",
        status.header("range")
    );
    two.finish(&session, &blob.digest, blob.bytes.slice(2_500_000..))
        .await?
        .expect(StatusCode::CREATED)?;
    ensure!(
        one.digest_of("p/app", &blob.digest).await?.0 == blob.digest,
        "another content"
    );
    stack.end().await
}

#[tokio::test]
async fn h60_a_client_that_vanishes_goes_on_at_the_other_replica() -> Result<()> {
    let stack = Stack::start("vanished-client", 2, &[]).await?;
    let blob = Blob::new(Random::new(60).bytes(5_000_000));
    let (one, two) = (stack.wire(0)?, stack.wire(1)?);
    let session = one.session("p/app").await?;
    let request = one
        .request(Method::PATCH, &session)
        .body(first_bytes(&blob, 3_000_000));
    // Dropped in mid-request: the connection goes with it.
    ensure!(
        tokio::time::timeout(Duration::from_secs(2), request.send())
            .await
            .is_err(),
        "it was answered"
    );
    let at = settled(&two, &session).await?;
    ensure!(at == 3_000_000, "only {at} bytes were kept");
    go_on(&two, &session, at, &blob).await?;
    stack.end().await
}

#[tokio::test]
async fn h60_an_upload_survives_the_kill_of_its_replica() -> Result<()> {
    let mut stack = Stack::start("killed-replica", 2, &[]).await?;
    let blob = Blob::new(Random::new(61).bytes(5_000_000));
    let (one, two) = (stack.wire(0)?, stack.wire(1)?);
    let session = one.session("p/app").await?;
    one.patch_at(&session, 0, blob.bytes.slice(..3_000_000))
        .await?
        .expect(StatusCode::ACCEPTED)?;
    // Killed in the middle of the next chunk: what was acknowledged before counts.
    let next = tokio::spawn({
        let (one, session, body) = (one.clone(), session.clone(), first_bytes(&blob, 1_000_000));
        async move { one.patch(&session, body).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    stack.replicas[0].kill()?;
    ensure!(next.await?.is_err(), "a killed replica answered");
    let at = settled(&two, &session).await?;
    ensure!(at == 3_000_000, "{at} bytes");
    go_on(&two, &session, at, &blob).await?;
    stack.end().await
}

/// Whatever it still has to send: the answer arrives, not a broken connection.
#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() -> Result<()> {
    let stack = Stack::start("still-sending", 1, &[]).await?;
    let wire = stack.wire(0)?;
    let blob = Blob::new(Random::new(63).bytes(12_000_000));
    for _ in 0..100 {
        let session = wire.session("p/app").await?;
        wire.patch_at(&session, 7, blob.bytes.clone())
            .await?
            .expect(StatusCode::RANGE_NOT_SATISFIABLE)?;
    }
    stack.end().await
}
