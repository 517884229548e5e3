//! Blobs in a bucket of an S3-compatible object store.
//!
//! ```text
//! <prefix>owner                         id of the registry that keeps its blobs here
//! <prefix>blobs/<upload id>             a blob; while its upload is open, a multipart upload stands under this key
//! <prefix>uploads/<upload id>/<nonce>   the tail of an unfinished upload: what is less than a part
//! <prefix>uploads/<upload id>/unverified  the object of this upload was put together before its digest was compared
//! ```
//!
//! A key is what stands behind the prefix. **Nothing is copied:** a blob keeps the key under which its parts were uploaded.
//! Small blobs are one `PutObject`; whatever reaches the size of a part is a multipart upload whose parts have all the
//! same size but the last (R2 wants that).
//!
//! Object stores take no part below 5 MiB except the last, and a part cannot be read back. So what is left at the end of
//! a request is put into an object of its own, the *tail*; the next request begins with it, on whatever process. A saved
//! state names its parts by their ETags: what a writer that had lost its claim wrote in between is not among them.
//!
//! Memory is bounded over all uploads of the process, see [`budget`].

mod abort;
mod append;
mod budget;
mod client;
mod config;
mod delete;
mod failure;
mod finish;
mod list;
mod objects;
mod owner;
mod read;
mod recent;
mod upload;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use slipway_model::{Algorithm, Digest};
use url::Url;
use uuid::Uuid;

use self::budget::Budget;
use self::client::Clients;
pub use self::config::{
    Checksums, Credentials, Encryption, KeyPair, MAX_PART_SIZE, MIN_PART_SIZE, RedirectConfig, S3Config,
};
use self::recent::Recent;
pub(crate) use self::upload::Pending;
pub use self::upload::S3Upload;
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::reader::BlobReader;
use crate::state::{BackendState, UploadHandle, UploadId, UploadState};
use crate::store::{
    AppendOptions, BlobStat, BlobStore, Body, Deletion, ListedBlob, OpenUpload, RedirectOptions, StoredBlob,
};

/// A [`BlobStore`] in a bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: S3Config,
    clients: Clients,
    budget: Budget,
    recent: Recent,
    busy: Mutex<HashSet<UploadId>>,
}

impl S3Store {
    /// Makes a store of these settings; the bucket is not spoken to yet.
    pub async fn new(config: S3Config) -> Result<Self, BlobError> {
        config.check()?;
        let clients = Clients::new(&config).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                budget: Budget::new(config.part_size, config.concurrency),
                recent: Recent::default(),
                busy: Mutex::default(),
                clients,
                config,
            }),
        })
    }
}

impl Inner {
    /// Marks an upload as being written by this process until the guard is dropped.
    fn hold(&self, id: UploadId) -> Result<Held<'_>, BlobError> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.insert(id) {
            Ok(Held { inner: self, id })
        } else {
            Err(BlobError::UploadBusy)
        }
    }
}

struct Held<'a> {
    inner: &'a Inner,
    id: UploadId,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut busy = self.inner.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.remove(&self.id);
    }
}

#[async_trait]
impl BlobStore for S3Store {
    async fn begin(&self, algorithm: Algorithm) -> Result<UploadState, BlobError> {
        Ok(UploadState::new(algorithm, BackendState::S3(S3Upload::default())))
    }

    async fn append(
        &self,
        state: &mut UploadState,
        body: Body<'_>,
        options: AppendOptions,
    ) -> Result<u64, BlobError> {
        append::append(&self.inner, state, body, options).await
    }

    async fn finish(&self, state: &UploadState, expected: &Digest) -> Result<StoredBlob, BlobError> {
        finish::finish(&self.inner, state, expected).await
    }

    async fn abort(&self, upload: &UploadHandle) -> Result<u64, BlobError> {
        abort::abort(&self.inner, upload.id).await
    }

    async fn open(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        read::open(&self.inner, key, range).await
    }

    async fn stat(&self, key: &BlobKey) -> Result<BlobStat, BlobError> {
        upload::check_key(key)?;
        let head = self.inner.head(key.as_str()).await?.ok_or(BlobError::NotFound)?;
        Ok(head.stat)
    }

    async fn delete(&self, key: &BlobKey) -> Result<Deletion, BlobError> {
        upload::check_key(key)?;
        self.inner.delete_counted(key.as_str()).await
    }

    async fn delete_many(&self, keys: &[BlobKey]) -> Vec<Result<Deletion, BlobError>> {
        delete::many(&self.inner, keys).await
    }

    async fn list(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<ListedBlob>, BlobError> {
        list::blobs(&self.inner, after, limit).await
    }

    async fn list_uploads(
        &self,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<OpenUpload>, BlobError> {
        list::uploads(&self.inner, after, limit).await
    }

    async fn redirect(&self, key: &BlobKey, options: &RedirectOptions) -> Result<Option<Url>, BlobError> {
        upload::check_key(key)?;
        read::redirect(&self.inner, key, options).await
    }

    async fn claim(&self, owner: Uuid) -> Result<Uuid, BlobError> {
        owner::claim(&self.inner, owner).await
    }

    async fn health(&self) -> Result<(), BlobError> {
        owner::health(&self.inner).await
    }
}
