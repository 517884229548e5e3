//! The trait that every store implements, and the values that pass through it.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use slipway_model::{Algorithm, Digest};
use url::Url;
use uuid::Uuid;

use crate::error::BlobError;
use crate::key::BlobKey;
use crate::reader::BlobReader;
use crate::state::{UploadHandle, UploadId, UploadState};

/// How many blobs are deleted at once where a store has no better way.
const DELETIONS: usize = 8;

/// Any error, as axum and hyper hand it over.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request body. Idle time-outs belong into the stream: an error that it yields ends the append.
pub type Body<'a> = BoxStream<'a, Result<Bytes, BoxError>>;

/// How [`BlobStore::append`] behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppendOptions {
    /// Largest size in bytes that the whole upload may reach; `None` for no limit.
    pub max_size: Option<u64>,
    /// The caller finishes in this same request and does not save the state in between, so the store may put off what
    /// makes the bytes durable until `finish`. Should `finish` fail, the state to save is the one from before the append.
    pub last: bool,
}

/// A finished blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// Where the store keeps it; map the digest to it in the database.
    pub key: BlobKey,
    /// Its size in bytes.
    pub size: u64,
}

/// What a store knows about a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobStat {
    /// Size in bytes.
    pub size: u64,
    /// When its last byte was written, by the store's clock.
    pub modified: SystemTime,
}

/// One blob of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBlob {
    /// The blob's key.
    pub key: BlobKey,
    /// Size and age.
    pub stat: BlobStat,
}

/// One unfinished upload of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUpload {
    /// For [`BlobStore::abort`].
    pub handle: UploadHandle,
    /// Bytes that it occupies, also those that no state counts yet.
    pub size: u64,
    /// When its last byte was written, by the store's clock.
    pub modified: SystemTime,
}

/// What the store confirmed about a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The blob was there and is gone.
    Removed {
        /// Bytes that came free.
        bytes: u64,
    },
    /// There was nothing under the key.
    Absent,
}

impl Deletion {
    /// Bytes that the store confirmed to have freed.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Removed { bytes } => bytes,
            Self::Absent => 0,
        }
    }
}

/// How a client shall be served from elsewhere.
#[derive(Debug, Clone)]
pub struct RedirectOptions {
    /// How long the address has to work.
    pub expires_in: Duration,
    /// `Content-Type` that the answer there shall have.
    pub content_type: Option<String>,
}

/// A place for blobs, shared by any number of processes.
///
/// **Uploads.** `begin` makes an [`UploadState`]; each `append` advances it; `finish` turns it into a blob. Call `append`
/// from a task of its own (`tokio::spawn`) when the bytes of a client that vanishes shall be kept: an `append` whose
/// future is dropped leaves the state where it was, and the next one overwrites what had been written.
///
/// **Crashes.** The store may hold more than a state says (the process died before the state was saved): `append` and
/// `finish` cut that off. `finish`, `abort` and `delete` may be repeated when the answer was lost. What neither a state nor the
/// database knows is found with `list` and `list_uploads`, by age.
///
/// **Visibility.** Nothing but a finished blob can be opened, and it is durable before `finish` returns. Finishing never
/// copies the bytes.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Begins an upload that is hashed with `algorithm` while its bytes arrive.
    async fn begin(&self, algorithm: Algorithm) -> Result<UploadState, BlobError>;

    /// Appends a body at `state.received()` and returns how many bytes came in.
    ///
    /// Memory is constant whatever the size of the body. On return, with an error too, `state` counts the bytes that are
    /// kept, and those are durable (unless [`AppendOptions::last`]):
    /// * body broken ([`BlobError::Body`]) or too large: everything before that is kept, the client resumes there;
    /// * store full or failing: `state` is what it was, and what this call wrote is given back.
    async fn append(
        &self,
        state: &mut UploadState,
        body: Body<'_>,
        options: AppendOptions,
    ) -> Result<u64, BlobError>;

    /// Compares the digest and makes the upload a blob under a key that was never used before.
    ///
    /// Any algorithm is accepted; one that the upload was not begun with costs reading the bytes back. After
    /// [`BlobError::DigestMismatch`] the upload is still there, for `abort`. Repeating a finish that succeeded succeeds
    /// with the same key, until that key is deleted.
    async fn finish(&self, state: &UploadState, expected: &Digest) -> Result<StoredBlob, BlobError>;

    /// At most `most` bytes of an unfinished upload from `offset` on, as far as they can be read yet, also while an `append`
    /// of this process is under way; empty where there are none (any more). `None`: this store cannot.
    async fn read_upload(
        &self,
        _upload: &UploadHandle,
        _offset: u64,
        _most: usize,
    ) -> Result<Option<Bytes>, BlobError> {
        Ok(None)
    }

    /// Gives up an upload and returns the bytes that came free; 0 when there was nothing. A finished blob stays.
    async fn abort(&self, upload: &UploadHandle) -> Result<u64, BlobError>;

    /// Opens a blob, or the part of it in `range` (first byte, byte behind the last), cut at its end.
    async fn open(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<BlobReader, BlobError>;

    /// Size and age of a blob.
    async fn stat(&self, key: &BlobKey) -> Result<BlobStat, BlobError>;

    /// Deletes a blob for good and says what the store confirmed. Readers that have it open may read on.
    async fn delete(&self, key: &BlobKey) -> Result<Deletion, BlobError>;

    /// Deletes many blobs and says of each, in the order of `keys` (no key twice), what [`Self::delete`] would have said. One
    /// that fails does not hold the others up. A caller that drops this future may find any of them deleted.
    async fn delete_many(&self, keys: &[BlobKey]) -> Vec<Result<Deletion, BlobError>> {
        let deletions: Vec<_> = keys.iter().map(|key| self.delete(key)).collect();
        stream::iter(deletions).buffered(DELETIONS).collect().await
    }

    /// Lists at most `limit` blobs behind the key `after`, in the order of keys; an empty page is the end.
    async fn list(&self, after: Option<&BlobKey>, limit: usize) -> Result<Vec<ListedBlob>, BlobError>;

    /// Lists at most `limit` unfinished uploads behind `after`, in the order of ids; an empty page is the end.
    async fn list_uploads(&self, after: Option<UploadId>, limit: usize)
    -> Result<Vec<OpenUpload>, BlobError>;

    /// An address from which the client can read the blob itself (GET only), if this store has such.
    async fn redirect(&self, _key: &BlobKey, _options: &RedirectOptions) -> Result<Option<Url>, BlobError> {
        Ok(None)
    }

    /// Notes that the registry `owner` keeps its blobs here, unless another one has done so already, and returns whose the
    /// store is. What a registry does not know in a store that is not its own alone may belong to somebody else.
    async fn claim(&self, owner: Uuid) -> Result<Uuid, BlobError>;

    /// Whether the store can be read and written now; [`BlobError::StorageFull`] means reading only.
    async fn health(&self) -> Result<(), BlobError>;
}

/// Stores a whole body in one go; nothing stays behind when it fails.
pub async fn put(
    store: &dyn BlobStore,
    body: Body<'_>,
    expected: &Digest,
    max_size: Option<u64>,
) -> Result<StoredBlob, BlobError> {
    let mut state = store.begin(expected.algorithm()).await?;
    let options = AppendOptions { max_size, last: true };
    let result = match store.append(&mut state, body, options).await {
        Ok(_) => store.finish(&state, expected).await,
        Err(error) => Err(error),
    };
    if result.is_err()
        && let Err(error) = store.abort(state.handle()).await
    {
        tracing::warn!(upload = %state.id(), %error, "an upload that failed could not be removed");
    }
    result
}
