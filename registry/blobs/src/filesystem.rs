//! Blobs in a folder that every process of the registry sees.
//!
//! ```text
//! <root>/
//! ├── owner                               id of the registry that keeps its blobs here
//! ├── blobs/
//! │   ├── sha256/                         algorithm of the digest
//! │   │   ├── 00/ … ff/                   its first two digits
//! │   │   │   └── 9f86d08…-<upload id>    a finished blob: whole digest, then the upload that brought it
//! │   └── sha512/ …
//! └── uploads/
//!     ├── <upload id>                     what has arrived of an unfinished upload
//!     └── .health-<random>                a probe, there for a moment
//! ```
//!
//! A key is the path below `blobs/`. Finishing renames a file from `uploads/` to `blobs/`, so both stand on one file
//! system. An upload's file exists from its first byte on; it is locked (`flock`) while a process writes to it.
//!
//! Folders have the mode 0770 and files 0660 whatever the umask: processes that run as different users of one group
//! (OpenShift: any user, group 0) can go on with each other's files.

mod append;
mod buffers;
mod delete;
mod finish;
mod layout;
mod list;
mod read;
mod upload_file;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use slipway_model::{Algorithm, Digest};
use uuid::Uuid;

use self::buffers::BufferPool;
use self::layout::Layout;
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::reader::BlobReader;
use crate::state::{BackendState, UploadHandle, UploadId, UploadState};
use crate::store::{AppendOptions, BlobStat, BlobStore, Body, Deletion, ListedBlob, OpenUpload, StoredBlob};

/// A [`BlobStore`] in a folder, local or shared.
#[derive(Debug, Clone)]
pub struct FilesystemStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    layout: Layout,
    buffers: BufferPool,
    /// Largest size of an upload's file before it counts as "disk full"; lowered by tests only.
    file_limit: u64,
}

impl FilesystemStore {
    /// Opens the store below `root` and makes the folders that are missing.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        Self::open_limited(root.into(), u64::MAX).await
    }

    async fn open_limited(root: PathBuf, file_limit: u64) -> Result<Self, BlobError> {
        let layout = blocking(move || Layout::create(root)).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                layout,
                buffers: BufferPool::default(),
                file_limit,
            }),
        })
    }

    /// Runs `work` on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || work(&inner)).await
    }
}

/// Runs `work` on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    joined(tokio::task::spawn_blocking(work).await)
}

/// Turns a panic of blocking work, and the end of the runtime, into an error.
fn joined<T>(outcome: Result<Result<T, BlobError>, tokio::task::JoinError>) -> Result<T, BlobError> {
    outcome.unwrap_or_else(|error| {
        Err(BlobError::Unavailable {
            operation: "run file work",
            source: error.into(),
        })
    })
}

#[async_trait]
impl BlobStore for FilesystemStore {
    async fn begin(&self, algorithm: Algorithm) -> Result<UploadState, BlobError> {
        Ok(UploadState::new(algorithm, BackendState::Plain))
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
        let (state, expected) = (state.clone(), expected.clone());
        self.blocking(move |inner| finish::finish(inner, &state, &expected))
            .await
    }

    async fn read_upload(
        &self,
        upload: &UploadHandle,
        offset: u64,
        most: usize,
    ) -> Result<Option<Bytes>, BlobError> {
        let id = upload.id;
        self.blocking(move |inner| upload_file::read(&inner.layout.upload(id), offset, most))
            .await
            .map(Some)
    }

    async fn abort(&self, upload: &UploadHandle) -> Result<u64, BlobError> {
        let id = upload.id;
        self.blocking(move |inner| finish::abort(&inner.layout, id)).await
    }

    async fn open(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<BlobReader, BlobError> {
        read::open(&self.inner, key, range).await
    }

    async fn stat(&self, key: &BlobKey) -> Result<BlobStat, BlobError> {
        let path = self.inner.layout.blob(key)?;
        self.blocking(move |_| read::stat(&path)).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<Deletion, BlobError> {
        let path = self.inner.layout.blob(key)?;
        self.blocking(move |_| delete::one(&path)).await
    }

    async fn delete_many(&self, keys: &[BlobKey]) -> Vec<Result<Deletion, BlobError>> {
        delete::many(&self.inner, keys).await
    }

    async fn list(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<ListedBlob>, BlobError> {
        let after = after.cloned();
        self.blocking(move |inner| list::blobs(&inner.layout, after.as_ref(), limit))
            .await
    }

    async fn list_uploads(
        &self,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<OpenUpload>, BlobError> {
        self.blocking(move |inner| list::uploads(&inner.layout, after, limit))
            .await
    }

    async fn claim(&self, owner: Uuid) -> Result<Uuid, BlobError> {
        self.blocking(move |inner| inner.layout.claim(owner)).await
    }

    async fn health(&self) -> Result<(), BlobError> {
        self.blocking(|inner| inner.layout.probe()).await
    }
}
