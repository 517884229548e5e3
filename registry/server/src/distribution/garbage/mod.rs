//! Removing what nothing refers to: online, beside pushes and mounts.
//!
//! Rows that lost their last reference wait in `blob_reviews`. A review decides under lock, in the
//! transaction that takes the rows away; the object goes after the commit, by its entry in
//! `doomed_objects`. A crash in between leaves an entry that the next run finishes, never a row without bytes.

mod collect;
mod expire;
pub(crate) mod jobs;
pub(crate) mod store;
mod strays;

#[cfg(test)]
pub(crate) use collect::Collected;
pub(crate) use collect::collect_blobs;
pub(crate) use expire::expire_uploads;
pub(crate) use strays::{abort_strays, unknown as unknown_uploads};

use slipway_blobs::{BlobError, Deletion};

use crate::distribution::content;
use crate::error::Result;
use crate::kernel::app::App;

/// Deletes one doomed object. What fails now, the next run of the collection does.
pub(crate) async fn sweep(app: &App, key: &str) {
    if let Err(error) = delete_object(app, key).await {
        tracing::warn!(key, ?error, "a doomed object could not be deleted yet");
    }
}

/// Deletes one doomed object and returns the bytes that the store confirmed as freed.
async fn delete_object(app: &App, key: &str) -> Result<u64> {
    let freed = match app.blobs.delete(&content::key(key)?).await {
        Ok(deletion) => deletion.bytes(),
        Err(BlobError::NotFound) => Deletion::Absent.bytes(),
        Err(error) => return Err(super::upload::blob_error(error)),
    };
    let mut conn = app.pool.acquire().await?;
    store::forget(&mut conn, key).await?;
    Ok(freed)
}
