//! Removing what nothing refers to: online, beside pushes and mounts.
//!
//! Rows that lost their last reference wait in `blob_reviews`. Reviews are decided under lock, many in one
//! transaction, which takes the rows away; the object goes after the commit, by its entry in
//! `doomed_objects`. A crash in between leaves an entry that the next run finishes, never a row without bytes.

mod collect;
mod expire;
pub(crate) mod jobs;
pub(crate) mod store;
mod strays;

pub(crate) use collect::{Collected, Plan, Young, collect_blobs, collect_watched, plan, young};
pub(crate) use expire::expire_uploads;
pub(crate) use strays::{abort_strays, unknown as unknown_uploads};

use slipway_blobs::BlobError;

use crate::distribution::content;
use crate::error::Result;
use crate::kernel::app::App;

/// Deletes one doomed object. What fails now, the next run of the collection does.
pub(crate) async fn sweep(app: &App, key: &str) {
    if let Err(error) = delete_objects(app, vec![key.to_owned()]).await {
        tracing::warn!(key, ?error, "a doomed object could not be deleted yet");
    }
}

/// What came of doomed objects.
#[derive(Debug, Clone, Copy, Default)]
struct Swept {
    /// Objects that are gone.
    deleted: u64,
    /// Bytes that the store confirmed as freed.
    freed_bytes: u64,
    /// Objects that are still there.
    failed: u64,
}

/// Deletes doomed objects and forgets those, and only those, that the store confirmed to be gone.
async fn delete_objects(app: &App, texts: Vec<String>) -> Result<Swept> {
    let keys = texts
        .iter()
        .map(|text| content::key(text))
        .collect::<Result<Vec<_>>>()?;
    let mut swept = Swept::default();
    let mut gone = Vec::with_capacity(texts.len());
    for (key, outcome) in texts.into_iter().zip(app.blobs.delete_many(&keys).await) {
        match outcome {
            Ok(deletion) => swept.freed_bytes += deletion.bytes(),
            Err(BlobError::NotFound) => {}
            Err(error) => {
                swept.failed += 1;
                tracing::warn!(key, ?error, "a doomed object could not be deleted yet");
                continue;
            }
        }
        swept.deleted += 1;
        gone.push(key);
    }
    let mut conn = app.pool.acquire().await?;
    store::forget(&mut conn, &gone).await?;
    Ok(swept)
}
