//! A database that is away for a while.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use reqwest::StatusCode;

use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::stack::Stack;
use crate::support::wire::{Answer, Wire};

fn image(seed: u64) -> Image {
    Image::new(vec![Blob::new(Random::new(seed).bytes(50_000))], "database")
}

/// 503 in the JSON form, with a word on when to come again.
fn is_unavailable(what: &str, answer: &Answer) -> Result<()> {
    ensure!(
        answer.status == StatusCode::SERVICE_UNAVAILABLE,
        "{what}: {} {}",
        answer.status,
        answer.text()
    );
    ensure!(
        answer.code().as_deref() == Some("UNAVAILABLE"),
        "{what}: {}",
        answer.text()
    );
    ensure!(
        !answer.header("retry-after").is_empty(),
        "{what} has no Retry-After"
    );
    Ok(())
}

/// Everything that needs the database says so, within seconds.
async fn all_is_unavailable(wire: &Wire, session: &str) -> Result<()> {
    let began = Instant::now();
    let (pull, begin, chunk, push, list) = (
        image(1),
        image(2),
        Blob::new(vec![7; 100]),
        image(3),
        "/api/v2.0/projects",
    );
    let blob = format!("/v2/p/app/blobs/{}", pull.blobs[1].digest);
    let answers = tokio::join!(
        wire.get("/v2/p/app/manifests/v1"),
        wire.get(&blob),
        wire.post_whole("p/app", &begin.blobs[1]),
        wire.patch(session, chunk.bytes.clone()),
        wire.put_manifest("p/app", "v3", &push),
        wire.get(list),
    );
    for (what, answer) in [
        ("pull", answers.0?),
        ("blob", answers.1?),
        ("upload", answers.2?),
        ("chunk", answers.3?),
        ("push", answers.4?),
        ("list", answers.5?),
    ] {
        is_unavailable(what, &answer)?;
    }
    println!("all of them 503 within {:?}", began.elapsed());
    ensure!(
        began.elapsed() < Duration::from_secs(15),
        "they took {:?}",
        began.elapsed()
    );
    Ok(())
}

/// Waits for `/readyz` to say this.
async fn readyz(wire: &Wire, wanted: StatusCode) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = wire.get("/readyz").await?;
        if answer.status == wanted {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(15) {
            bail!("/readyz still says {} {}", answer.status, answer.text());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn is_well_again(wire: &Wire, session: &str, tag: &str) -> Result<()> {
    readyz(wire, StatusCode::OK).await?;
    wire.pull("p/app", "v1", &image(1)).await?;
    let other = image(4);
    wire.push("p/app", tag, &other).await?;
    wire.pull("p/app", tag, &other).await?;
    // The upload that was open when the database went away goes on where it was.
    let at = wire
        .get(session)
        .await?
        .expect(StatusCode::NO_CONTENT)?
        .received()?;
    ensure!(at == 10, "the upload is at {at}");
    Ok(())
}

async fn begun(wire: &Wire) -> Result<String> {
    wire.push("p/app", "v1", &image(1)).await?;
    let session = wire.session("p/app").await?;
    wire.patch(&session, vec![1; 10])
        .await?
        .expect(StatusCode::ACCEPTED)?;
    Ok(session)
}

#[tokio::test]
async fn h89_a_killed_database_is_503_and_then_all_is_well_without_a_restart() -> Result<()> {
    let mut stack = Stack::start("database-killed", 1, &[]).await?;
    let wire = stack.wire(0)?;
    let session = begun(&wire).await?;
    stack.postgres.kill()?;
    all_is_unavailable(&wire, &session).await?;
    readyz(&wire, StatusCode::SERVICE_UNAVAILABLE).await?;
    ensure!(
        wire.get("/healthz").await?.status == StatusCode::OK,
        "a restart would not help, so /healthz stays well"
    );
    stack.postgres.start_again()?;
    stack.postgres.answers().await?;
    is_well_again(&wire, &session, "v2").await?;
    ensure!(stack.replicas[0].status()?.is_none(), "the registry ended");
    stack.end().await
}

#[tokio::test]
async fn h89_a_database_that_hangs_is_503_and_then_all_is_well() -> Result<()> {
    let stack = Stack::start("database-frozen", 1, &[]).await?;
    let wire = stack.wire(0)?;
    let session = begun(&wire).await?;
    stack.postgres.freeze()?;
    let frozen = async {
        all_is_unavailable(&wire, &session).await?;
        readyz(&wire, StatusCode::SERVICE_UNAVAILABLE).await
    };
    let outcome = frozen.await;
    stack.postgres.thaw()?;
    outcome?;
    is_well_again(&wire, &session, "v2").await?;
    stack.end().await
}
