//! The removal of blobs that nothing refers to any more.

use crate::distribution::{content, retry};
use crate::error::Result;
use crate::kernel::app::App;

use super::{delete_object, store};

/// How many reviews are read at once.
const BATCH: i64 = 500;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// Reviews that were decided.
    pub(crate) reviewed: u64,
    /// Blobs whose rows were removed.
    pub(crate) removed: u64,
    /// Objects whose deletion the store confirmed.
    pub(crate) deleted: u64,
    /// Bytes that the store confirmed as freed.
    pub(crate) freed_bytes: u64,
    /// Objects that the store refused to delete; they are tried again.
    pub(crate) failed: u64,
    /// Reviews that are not due yet.
    pub(crate) waiting: u64,
}

/// Decides every review that is due and deletes what is doomed, until nothing is left or `stopped` says so.
pub(crate) async fn collect_blobs(app: &App, stopped: impl Fn() -> bool) -> Result<Collected> {
    let mut done = Collected::default();
    loop {
        let due = {
            let mut conn = app.pool.acquire().await?;
            store::due(&mut conn, app.clock.now(), BATCH).await?
        };
        if due.is_empty() {
            break;
        }
        for digest in due {
            if stopped() {
                return Ok(done);
            }
            let removed = retry::on_conflict!(review(app, &digest))?;
            done.reviewed += 1;
            done.removed += u64::from(removed);
        }
    }
    sweep_doomed(app, &mut done, stopped).await?;
    let (waiting, next) = store::waiting(&mut *app.pool.acquire().await?).await?;
    done.waiting = u64::try_from(waiting).unwrap_or(0);
    if let Some(next) = next {
        tracing::info!(waiting, %next, "blobs that are too young to be removed wait for their time");
    }
    Ok(done)
}

/// Decides one review in one transaction; true where the blob's row is gone with it.
async fn review(app: &App, digest: &str) -> Result<bool> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    let Some(blob) = store::lock_candidate(&mut tx, digest).await? else {
        store::end_review(&mut tx, digest).await?;
        tx.commit().await?;
        return Ok(false);
    };
    store::lock_links(&mut tx, digest).await?;
    for project in store::remove_free_links(&mut tx, now, digest).await? {
        content::uncount(&mut tx, project, &[digest.to_owned()]).await?;
    }
    let left = store::left(&mut tx, digest).await?;
    let removed = left.links == 0;
    if removed {
        store::doom(&mut tx, now, &blob.storage_key, digest, blob.size).await?;
        store::remove_blob(&mut tx, digest).await?;
    }
    match left.next {
        Some(next) => store::put_off(&mut tx, digest, next).await?,
        None => store::end_review(&mut tx, digest).await?,
    }
    tx.commit().await?;
    Ok(removed)
}

/// Deletes every doomed object. One that the store refuses does not hold the others up.
async fn sweep_doomed(app: &App, done: &mut Collected, stopped: impl Fn() -> bool) -> Result<()> {
    let mut after = String::new();
    loop {
        let keys = {
            let mut conn = app.pool.acquire().await?;
            store::doomed(&mut conn, &after, BATCH).await?
        };
        let Some(last) = keys.last() else { return Ok(()) };
        after = last.clone();
        for key in keys {
            if stopped() {
                return Ok(());
            }
            match delete_object(app, &key).await {
                Ok(bytes) => {
                    done.deleted += 1;
                    done.freed_bytes += bytes;
                }
                Err(error) => {
                    done.failed += 1;
                    tracing::warn!(key, ?error, "a doomed object could not be deleted yet");
                }
            }
        }
    }
}
