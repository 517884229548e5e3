//! Whose the prefix is, and whether it can be reached.

use bytes::Bytes;
use uuid::Uuid;

use super::Inner;
use super::failure::{failed, is, is_absent, status};
use crate::error::BlobError;

const OWNER: &str = "owner";

/// See [`BlobStore::claim`](crate::BlobStore::claim).
pub(super) async fn claim(inner: &Inner, owner: Uuid) -> Result<Uuid, BlobError> {
    for _ in 0..3 {
        match inner.get(OWNER).await {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                return Uuid::try_parse(text.trim()).map_err(|error| BlobError::Unavailable {
                    operation: "read whose it is (the object `owner`)",
                    source: error.into(),
                });
            }
            Err(BlobError::NotFound) => write(inner, owner).await?,
            Err(error) => return Err(error),
        }
    }
    Err(BlobError::Unavailable {
        operation: "write down whose it is",
        source: "the object `owner` was written but cannot be read".into(),
    })
}

/// Only where there is none yet; stores that do not know the condition let the last one win, and all read the same.
async fn write(inner: &Inner, owner: Uuid) -> Result<(), BlobError> {
    let conditional = inner
        .client()
        .put_object()
        .bucket(&inner.config.bucket)
        .key(inner.full(OWNER))
        .if_none_match("*")
        .body(Bytes::from(format!("{owner}\n")).into());
    match conditional.send().await {
        Ok(_) => Ok(()),
        Err(error) if matches!(status(&error), Some(409 | 412)) => Ok(()),
        Err(error) if is(&error, &["NotImplemented"]) || status(&error) == Some(501) => {
            inner.put(OWNER, Bytes::from(format!("{owner}\n")), None).await
        }
        Err(error) => Err(failed("write down whose it is", error)),
    }
}

/// One cheap request that needs the credentials, the bucket and the right to read.
pub(super) async fn health(inner: &Inner) -> Result<(), BlobError> {
    let request = inner
        .client()
        .head_object()
        .bucket(&inner.config.bucket)
        .key(inner.full(OWNER));
    match request.send().await {
        Ok(_) => Ok(()),
        // The answer to `HEAD` says no more.
        Err(error) if is_absent(&error) => Err(BlobError::Unavailable {
            operation: "answer",
            source: "the bucket, or the object `owner` in it, is not there (any more)".into(),
        }),
        Err(error) => Err(failed("answer", error)),
    }
}
