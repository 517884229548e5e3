//! Blobs in memory, for tests and for trying things out: nothing survives the process.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::ops::{Bound, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use slipway_model::{Algorithm, Digest};
use uuid::Uuid;

use crate::error::BlobError;
use crate::key::BlobKey;
use crate::reader::{BlobReader, clamp};
use crate::state::{BackendState, Hasher, UploadHandle, UploadId, UploadState};
use crate::store::{AppendOptions, BlobStat, BlobStore, Body, Deletion, ListedBlob, OpenUpload, StoredBlob};

/// Size of the pieces in which a blob is read, in bytes.
const PIECE: usize = 1 << 20;

/// A [`BlobStore`] in the process's memory.
#[derive(Debug)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    capacity: u64,
}

#[derive(Debug, Default)]
struct Inner {
    blobs: BTreeMap<BlobKey, Stamped<Bytes>>,
    uploads: BTreeMap<UploadId, Stamped<BytesMut>>,
    busy: HashSet<UploadId>,
    owner: Option<Uuid>,
    used: u64,
    ticks: u64,
}

/// Something with the time of its last change.
#[derive(Debug)]
struct Stamped<T> {
    value: T,
    modified: SystemTime,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store without a limit.
    pub fn new() -> Self {
        Self::with_capacity(u64::MAX)
    }

    /// An empty store that is full when its blobs and uploads have `bytes` bytes together.
    pub fn with_capacity(bytes: u64) -> Self {
        Self {
            inner: Mutex::default(),
            capacity: bytes,
        }
    }

    /// Every section under this lock leaves the maps consistent, so a panic elsewhere does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks an upload as being written until the guard is dropped.
    fn claim(&self, id: UploadId) -> Result<Claim<'_>, BlobError> {
        if self.lock().busy.insert(id) {
            Ok(Claim { store: self, id })
        } else {
            Err(BlobError::UploadBusy)
        }
    }
}

struct Claim<'a> {
    store: &'a MemoryStore,
    id: UploadId,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.store.lock().busy.remove(&self.id);
    }
}

impl Inner {
    /// A clock that ticks once a call: ages are in order, and tests need no real time.
    fn now(&mut self) -> SystemTime {
        self.ticks += 1;
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.ticks)
    }

    /// Cuts the upload back to `length` bytes; an upload of nothing needs no entry.
    fn cut(&mut self, id: UploadId, length: u64) -> Result<(), BlobError> {
        let Some(upload) = self.uploads.get_mut(&id) else {
            return if length == 0 {
                Ok(())
            } else {
                Err(BlobError::UploadUnknown)
            };
        };
        let held = upload.value.len() as u64;
        if held < length {
            return Err(BlobError::UploadUnknown);
        }
        upload.value.truncate(length as usize);
        self.used -= held - length;
        Ok(())
    }

    fn extend(&mut self, id: UploadId, piece: &[u8], capacity: u64) -> Result<(), BlobError> {
        if self.used.saturating_add(piece.len() as u64) > capacity {
            return Err(BlobError::StorageFull);
        }
        let modified = self.now();
        let upload = self.uploads.entry(id).or_insert_with(|| Stamped {
            value: BytesMut::new(),
            modified,
        });
        upload.value.extend_from_slice(piece);
        upload.modified = modified;
        self.used += piece.len() as u64;
        Ok(())
    }
}

fn key_of(digest: &Digest, id: UploadId) -> Result<BlobKey, BlobError> {
    BlobKey::parse(&format!("{}/{}-{id}", digest.algorithm().name(), digest.hex()))
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn begin(&self, algorithm: Algorithm) -> Result<UploadState, BlobError> {
        Ok(UploadState::new(algorithm, BackendState::Plain))
    }

    async fn append(
        &self,
        state: &mut UploadState,
        mut body: Body<'_>,
        options: AppendOptions,
    ) -> Result<u64, BlobError> {
        let id = state.id();
        let _claim = self.claim(id)?;
        let mut hasher = state.hash.restore()?;
        self.lock().cut(id, state.received)?;
        let begin = state.received;
        let mut received = begin;
        let outcome = loop {
            let piece = match body.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(BlobError::Body(error)),
                Some(Ok(piece)) => piece,
            };
            let next = received + piece.len() as u64;
            if let Some(limit) = options.max_size.filter(|limit| next > *limit) {
                break Err(BlobError::TooLarge { limit });
            }
            let mut inner = self.lock();
            if let Err(error) = inner.extend(id, &piece, self.capacity) {
                inner.cut(id, begin)?;
                return Err(error);
            }
            hasher.update(&piece);
            received = next;
        };
        state.received = received;
        state.hash = hasher.save();
        outcome.map(|()| received - begin)
    }

    async fn finish(&self, state: &UploadState, expected: &Digest) -> Result<StoredBlob, BlobError> {
        let id = state.id();
        let _claim = self.claim(id)?;
        let key = key_of(expected, id)?;
        let mut inner = self.lock();
        if let Some(size) = inner.blobs.get(&key).map(|done| done.value.len() as u64) {
            // What a repeated append brought is not needed.
            if let Some(upload) = inner.uploads.remove(&id) {
                inner.used -= upload.value.len() as u64;
            }
            return Ok(StoredBlob { key, size });
        }
        inner.cut(id, state.received)?;
        let bytes = inner.uploads.get(&id).map_or(&[][..], |upload| &upload.value[..]);
        let mut hasher = state.hash.restore()?;
        if state.hash.algorithm() != expected.algorithm() {
            hasher = Hasher::new(expected.algorithm());
            hasher.update(bytes);
        }
        let actual = hasher.digest();
        if actual != *expected {
            return Err(BlobError::DigestMismatch {
                expected: expected.clone(),
                actual,
            });
        }
        let value = inner
            .uploads
            .remove(&id)
            .map_or_else(Bytes::new, |upload| upload.value.freeze());
        let modified = inner.now();
        inner.blobs.insert(key.clone(), Stamped { value, modified });
        Ok(StoredBlob {
            key,
            size: state.received,
        })
    }

    async fn read_upload(
        &self,
        upload: &UploadHandle,
        offset: u64,
        most: usize,
    ) -> Result<Option<Bytes>, BlobError> {
        let inner = self.lock();
        let bytes = inner
            .uploads
            .get(&upload.id)
            .map_or(&[][..], |upload| &upload.value[..]);
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let to = from.saturating_add(most).min(bytes.len());
        Ok(Some(Bytes::copy_from_slice(&bytes[from..to])))
    }

    async fn abort(&self, upload: &UploadHandle) -> Result<u64, BlobError> {
        let _claim = self.claim(upload.id)?;
        let mut inner = self.lock();
        let freed = inner
            .uploads
            .remove(&upload.id)
            .map_or(0, |upload| upload.value.len() as u64);
        inner.used -= freed;
        Ok(freed)
    }

    async fn open(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        let bytes = self
            .lock()
            .blobs
            .get(key)
            .ok_or(BlobError::NotFound)?
            .value
            .clone();
        let size = bytes.len() as u64;
        let range = clamp(range, size)?;
        let mut rest = bytes.slice(range.start as usize..range.end as usize);
        let pieces =
            std::iter::from_fn(move || (!rest.is_empty()).then(|| Ok(rest.split_to(PIECE.min(rest.len())))));
        Ok(BlobReader {
            size,
            range,
            stream: futures::stream::iter(pieces).boxed(),
        })
    }

    async fn stat(&self, key: &BlobKey) -> Result<BlobStat, BlobError> {
        let inner = self.lock();
        let blob = inner.blobs.get(key).ok_or(BlobError::NotFound)?;
        Ok(BlobStat {
            size: blob.value.len() as u64,
            modified: blob.modified,
        })
    }

    async fn delete(&self, key: &BlobKey) -> Result<Deletion, BlobError> {
        let mut inner = self.lock();
        let Entry::Occupied(blob) = inner.blobs.entry(key.clone()) else {
            return Ok(Deletion::Absent);
        };
        let bytes = blob.remove().value.len() as u64;
        inner.used -= bytes;
        Ok(Deletion::Removed { bytes })
    }

    async fn list(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<ListedBlob>, BlobError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let inner = self.lock();
        let blobs = inner
            .blobs
            .range::<BlobKey, _>((start, Bound::Unbounded))
            .take(limit);
        let listed = |(key, blob): (&BlobKey, &Stamped<Bytes>)| ListedBlob {
            key: key.clone(),
            stat: BlobStat {
                size: blob.value.len() as u64,
                modified: blob.modified,
            },
        };
        Ok(blobs.map(listed).collect())
    }

    async fn list_uploads(
        &self,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<OpenUpload>, BlobError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let inner = self.lock();
        let uploads = inner.uploads.range((start, Bound::Unbounded)).take(limit);
        let listed = |(id, upload): (&UploadId, &Stamped<BytesMut>)| OpenUpload {
            handle: UploadHandle {
                id: *id,
                backend: BackendState::Plain,
            },
            size: upload.value.len() as u64,
            modified: upload.modified,
        };
        Ok(uploads.map(listed).collect())
    }

    async fn claim(&self, owner: Uuid) -> Result<Uuid, BlobError> {
        Ok(*self.lock().owner.get_or_insert(owner))
    }

    async fn health(&self) -> Result<(), BlobError> {
        if self.lock().used >= self.capacity {
            Err(BlobError::StorageFull)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
