//! A hundred clients want the same thing at the same moment.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use reqwest::StatusCode;

use crate::support::content::{Blob, Image};
use crate::support::files::files;
use crate::support::random::Random;
use crate::support::stack::Stack;

const CLIENTS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_uploads_of_one_blob_end_in_one_blob_that_a_hundred_read() -> Result<()> {
    let stack = Stack::start("crowd", 2, &[("GC_GRACE", "1s")]).await?;
    let blob = Blob::new(Random::new(100).bytes(1_000_000));
    let wires = [stack.wire(0)?, stack.wire(1)?];
    let uploads = (0..CLIENTS).map(|n| {
        let (wire, blob) = (wires[n % 2].clone(), blob.clone());
        async move {
            // Half of them in one request, half in three.
            if n % 4 < 2 {
                wire.post_whole("p/app", &blob)
                    .await?
                    .expect(StatusCode::CREATED)?;
            } else {
                let begun = wire.begin("p/app").await?.expect(StatusCode::ACCEPTED)?;
                let session = begun.header("location");
                wire.patch_at(session, 0, blob.bytes.slice(..400_000))
                    .await?
                    .expect(StatusCode::ACCEPTED)?;
                wire.finish(session, &blob.digest, blob.bytes.slice(400_000..))
                    .await?
                    .expect(StatusCode::CREATED)?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(uploads).await?;
    let image = Image::new(vec![blob.clone()], "crowd");
    wires[0].push("p/app", "v1", &image).await?;

    let reads = (0..CLIENTS).map(|n| {
        let (wire, blob) = (wires[n % 2].clone(), blob.clone());
        async move {
            let (digest, size) = wire.digest_of("p/app", &blob.digest).await?;
            ensure!(
                digest == blob.digest && size == blob.bytes.len() as u64,
                "client {n} read {size} bytes with {digest}"
            );
            anyhow::Ok(())
        }
    });
    try_join_all(reads).await?;

    let objects = stack.postgres.sql("SELECT count(*) FROM blobs")?;
    ensure!(objects.trim() == "2", "{} blobs of 2 contents", objects.trim());
    let objects_stored = files(&stack.blobs().join("blobs"))?.len();
    let doomed: usize = stack
        .postgres
        .sql("SELECT count(*) FROM doomed_objects")?
        .trim()
        .parse()?;
    ensure!(
        objects_stored <= 2 + doomed,
        "{objects_stored} files, of which {doomed} are on the way out, for 2 blobs"
    );
    let uploads = files(&stack.blobs().join("uploads"))?.len();
    ensure!(uploads == 0, "{uploads} files of uploads are left");
    stack.end().await
}
