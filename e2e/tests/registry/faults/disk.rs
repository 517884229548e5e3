//! A full disk.

use anyhow::{Result, ensure};
use reqwest::StatusCode;

use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::stack::Stack;

/// Mounts a small file system over the folder (in a view of the program's own, so that nothing stays) and becomes the program.
const SMALL_DISK: &str = r#"mkdir -p "$SLIPWAY_STORAGE_FILESYSTEM_PATH" &&
    mount -t tmpfs -o size=24m,mode=0755 tmpfs "$SLIPWAY_STORAGE_FILESYSTEM_PATH" && exec "$@""#;

#[tokio::test]
async fn p16_a_full_disk_is_an_answer_and_leaves_nothing_half() -> Result<()> {
    let mut stack = Stack::new("full-disk", &[]).await?;
    let unshare = match nix::unistd::geteuid().is_root() {
        true => vec!["unshare", "--mount"],
        false => vec!["unshare", "--mount", "--map-root-user"],
    };
    let words = [unshare, vec!["sh", "-c", SMALL_DISK, "sh"]].concat();
    stack.add_replica(|plan| plan.wrapped(&words)).await?;
    crate::support::stack::create_project(&stack.replicas[0].url(), "p").await?;
    let wire = stack.wire(0)?;
    let mut random = Random::new(16);
    let big = Blob::new(random.bytes(60 << 20));

    // In one request: nothing of it stays.
    let answer = wire.post_whole("p/app", &big).await?;
    ensure!(
        answer.status == StatusCode::INSUFFICIENT_STORAGE,
        "{} {}",
        answer.status,
        answer.text()
    );
    ensure!(answer.code().is_some(), "no JSON: {}", answer.text());
    ensure!(
        wire.head_blob("p/app", &big.digest).await? == StatusCode::NOT_FOUND,
        "half a blob is visible"
    );

    // In chunks: the session keeps its place, and the client goes on when there is room.
    let begun = wire.begin("p/app").await?.expect(StatusCode::ACCEPTED)?;
    let session = begun.header("location").to_owned();
    let half = 12 << 20;
    wire.patch_at(&session, 0, big.bytes.slice(..half))
        .await?
        .expect(StatusCode::ACCEPTED)?;
    let full = wire
        .patch_at(&session, half, big.bytes.slice(half..3 * half))
        .await?;
    ensure!(
        full.status.is_server_error() && full.code().is_some(),
        "{} {}",
        full.status,
        full.text()
    );
    let kept = wire
        .get(&session)
        .await?
        .expect(StatusCode::NO_CONTENT)?
        .received()?;
    ensure!(kept == half, "the session is at {kept}");
    let whole = Blob::new(big.bytes.slice(..half + 1000).to_vec());
    wire.finish(&session, &whole.digest, big.bytes.slice(half..half + 1000))
        .await?
        .expect(StatusCode::CREATED)?;
    ensure!(
        wire.digest_of("p/app", &whole.digest).await?.0 == whole.digest,
        "another content"
    );

    let small = Image::new(vec![Blob::new(random.bytes(100_000))], "small");
    wire.push("p/app", "small", &small).await?;
    wire.pull("p/app", "small", &small).await?;
    ensure!(stack.replicas[0].is_ready().await, "not ready any more");
    stack.end().await
}
