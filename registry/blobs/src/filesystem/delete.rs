//! The end of blobs.

use std::fs;
use std::io;
use std::iter;
use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;

use super::{Inner, blocking};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::store::Deletion;

/// How many threads delete at once: a network file system answers each deletion after a round trip.
const THREADS: usize = 4;

/// See [`BlobStore::delete_many`](crate::BlobStore::delete_many).
pub(super) async fn many(inner: &Arc<Inner>, keys: &[BlobKey]) -> Vec<Result<Deletion, BlobError>> {
    let shares = keys
        .chunks(keys.len().div_ceil(THREADS).max(1))
        .map(|share| async {
            let paths: Vec<_> = share.iter().map(|key| inner.layout.blob(key)).collect();
            let count = paths.len();
            let share = blocking(move || Ok(paths.into_iter().map(|path| one(&path?)).collect())).await;
            share.unwrap_or_else(|error: BlobError| failed(&error, count))
        });
    join_all(shares).await.into_iter().flatten().collect()
}

/// The thread came to no end, so none of its deletions is confirmed.
fn failed(error: &BlobError, count: usize) -> Vec<Result<Deletion, BlobError>> {
    let message = error.to_string();
    iter::repeat_with(|| {
        Err(BlobError::Unavailable {
            operation: "remove blobs",
            source: message.clone().into(),
        })
    })
    .take(count)
    .collect()
}

/// See [`BlobStore::delete`](crate::BlobStore::delete). Blocks.
pub(super) fn one(blob: &Path) -> Result<Deletion, BlobError> {
    let remove = || {
        let bytes = fs::symlink_metadata(blob)?.len();
        fs::remove_file(blob).map(|()| bytes)
    };
    match remove() {
        Ok(bytes) => Ok(Deletion::Removed { bytes }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Deletion::Absent),
        Err(error) => Err(BlobError::io("remove a blob", error)),
    }
}
