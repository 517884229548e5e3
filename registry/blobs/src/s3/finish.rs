//! Uploads become blobs.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use md5::{Digest as _, Md5};
use slipway_model::{Algorithm, Digest};

use super::Inner;
use super::append::{read_tail, remove_later};
use super::objects::Head;
use super::upload::{self, Part, S3Upload};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::state::{Hasher, UploadState};
use crate::store::StoredBlob;

/// See [`BlobStore::finish`](crate::BlobStore::finish).
pub(super) async fn finish(
    inner: &Arc<Inner>,
    state: &UploadState,
    expected: &Digest,
) -> Result<StoredBlob, BlobError> {
    let _held = inner.hold(state.id())?;
    let upload = upload::upload_of(state)?;
    let key = upload::key_of(state.id())?;
    let running = state.hash.restore()?.digest();
    let known = running.algorithm() == expected.algorithm();
    if known && running != *expected {
        // The state may be older than a finish whose answer was lost.
        return match adopt(inner, &key, expected, None).await {
            Err(BlobError::UploadUnknown) => Err(mismatch(expected, running)),
            outcome => outcome,
        };
    }
    let outcome = if upload.multipart.is_none() {
        put_small(inner, state, upload, &key, expected, known).await
    } else {
        put_together(inner, state, upload, &key, expected, known).await
    };
    let stored = match outcome {
        Err(BlobError::UploadUnknown) => adopt(inner, &key, expected, known.then_some(upload)).await?,
        outcome => outcome?,
    };
    for tail in upload.tail.into_iter().chain(upload.old) {
        remove_later(inner, state.id(), tail);
    }
    Ok(stored)
}

fn mismatch(expected: &Digest, actual: Digest) -> BlobError {
    BlobError::DigestMismatch {
        expected: expected.clone(),
        actual,
    }
}

/// The bytes behind the last part.
async fn rest(inner: &Inner, state: &UploadState, upload: &S3Upload) -> Result<Bytes, BlobError> {
    match (&state.pending, upload.tail) {
        (Some(pending), _) => Ok(pending.bytes.clone()),
        (None, Some(tail)) => read_tail(inner, state.id(), tail).await,
        (None, None) => Ok(Bytes::new()),
    }
}

/// A blob of less than a part: one request.
async fn put_small(
    inner: &Arc<Inner>,
    state: &UploadState,
    upload: &S3Upload,
    key: &BlobKey,
    expected: &Digest,
    known: bool,
) -> Result<StoredBlob, BlobError> {
    let _place = reserve_for(inner, state, upload).await?;
    let bytes = rest(inner, state, upload).await?;
    if bytes.len() as u64 != state.received() {
        return Err(BlobError::UploadUnknown);
    }
    if !known {
        let mut hasher = Hasher::new(expected.algorithm());
        hasher.update(&bytes);
        let actual = hasher.digest();
        if actual != *expected {
            return Err(mismatch(expected, actual));
        }
    }
    inner.put(key.as_str(), bytes, Some(expected)).await?;
    Ok(StoredBlob {
        key: key.clone(),
        size: state.received(),
    })
}

/// Memory for a tail that has to be read back.
async fn reserve_for(
    inner: &Inner,
    state: &UploadState,
    upload: &S3Upload,
) -> Result<Option<super::budget::Reservation>, BlobError> {
    match upload.tail.filter(|_| state.pending.is_none()) {
        Some(tail) => {
            let length = usize::try_from(tail.length).unwrap_or(usize::MAX);
            inner.budget.reserve(length, upload.part_size).await.map(Some)
        }
        None => Ok(None),
    }
}

/// A multipart upload: the last part, then the parts are put together where they are.
async fn put_together(
    inner: &Arc<Inner>,
    state: &UploadState,
    upload: &S3Upload,
    key: &BlobKey,
    expected: &Digest,
    known: bool,
) -> Result<StoredBlob, BlobError> {
    let last = last_part(inner, state, upload, key).await?;
    let unverified = upload::unverified_key(state.id());
    if !known {
        // Parts cannot be read, so the digest is compared afterwards. Should the process die, `abort` knows.
        inner.put(&unverified, Bytes::from_static(b"1"), None).await?;
    }
    inner.complete(key.as_str(), upload, last).await?;
    if !known {
        return adopt(inner, key, expected, None).await;
    }
    Ok(StoredBlob {
        key: key.clone(),
        size: state.received(),
    })
}

async fn last_part(
    inner: &Arc<Inner>,
    state: &UploadState,
    upload: &S3Upload,
    key: &BlobKey,
) -> Result<Option<Part>, BlobError> {
    let _place = reserve_for(inner, state, upload).await?;
    let bytes = rest(inner, state, upload).await?;
    let whole = upload.part_size * upload.parts.len() as u64 + bytes.len() as u64;
    if whole != state.received() {
        return Err(BlobError::UploadUnknown);
    }
    let (Some(multipart), false) = (&upload.multipart, bytes.is_empty()) else {
        return Ok(None);
    };
    let number = upload.parts.len() + 1;
    inner
        .upload_part(key.as_str(), multipart, number, bytes)
        .await
        .map(Some)
}

/// Takes the object that stands under the key already, if it has this digest. [`BlobError::UploadUnknown`]: there is none.
async fn adopt(
    inner: &Arc<Inner>,
    key: &BlobKey,
    expected: &Digest,
    upload: Option<&S3Upload>,
) -> Result<StoredBlob, BlobError> {
    let head = inner.head(key.as_str()).await?.ok_or(BlobError::UploadUnknown)?;
    let stored = StoredBlob {
        key: key.clone(),
        size: head.stat.size,
    };
    let same = head.digest.as_deref() == Some(expected.as_str())
        || upload.is_some_and(|upload| is_made_of(&head, upload));
    if !same {
        let actual = read_back(inner, key, expected.algorithm()).await?;
        if actual != *expected {
            return Err(mismatch(expected, actual));
        }
    }
    if let Some(id) = upload::id_of(key.as_str()) {
        inner.delete(&upload::unverified_key(id)).await?;
    }
    Ok(stored)
}

/// Was the object put together from these parts alone? An ETag of that kind is the MD5 of the parts' MD5s; where a store
/// makes others, nothing is gained and the object is read.
fn is_made_of(head: &Head, upload: &S3Upload) -> bool {
    if upload.tail.is_some() || head.stat.size != upload.part_size * upload.parts.len() as u64 {
        return false;
    }
    let mut all = Md5::new();
    for part in &upload.parts {
        match hex::decode(&part.etag) {
            Ok(bytes) if bytes.len() == 16 => all.update(bytes),
            _ => return false,
        }
    }
    head.etag == format!("{}-{}", hex::encode(all.finalize()), upload.parts.len())
}

async fn read_back(inner: &Arc<Inner>, key: &BlobKey, algorithm: Algorithm) -> Result<Digest, BlobError> {
    let mut stream = super::read::open(inner, key, None).await?.stream;
    let mut hasher = Hasher::new(algorithm);
    while let Some(piece) = stream.next().await {
        hasher.update(&piece?);
    }
    Ok(hasher.digest())
}
