//! Uploads that nobody goes on with.

use std::sync::Arc;

use super::Inner;
use super::list;
use super::upload::{self, UPLOADS};
use crate::error::BlobError;
use crate::state::UploadId;

/// See [`BlobStore::abort`](crate::BlobStore::abort). Goes by what the bucket has and not by the state, which may be older.
pub(super) async fn abort(inner: &Arc<Inner>, id: UploadId) -> Result<u64, BlobError> {
    let _held = inner.hold(id)?;
    let key = upload::key_of(id)?;
    let mut freed = 0;
    for multipart in list::multiparts_of(inner, key.as_str()).await? {
        freed += list::size_of_parts(inner, key.as_str(), &multipart).await?.0;
        inner.abort_multipart(key.as_str(), &multipart).await?;
    }
    let mut after = None;
    loop {
        let page = list::objects(inner, &format!("{UPLOADS}{id}/"), after.as_deref(), 1000).await?;
        let Some(last) = page.last() else { return Ok(freed) };
        after = Some(last.key.clone());
        for object in page {
            if let Some(tail) = upload::tail_of(&object.key, object.stat.size) {
                inner.recent.forget(tail);
            }
            if object.key == upload::unverified_key(id) {
                // Put together, but never found to be what it should be.
                freed += inner.delete_counted(key.as_str()).await?.bytes();
                inner.delete(&object.key).await?;
            } else if inner.delete(&object.key).await? {
                freed += object.stat.size;
            }
        }
    }
}
