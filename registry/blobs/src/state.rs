//! The state of an unfinished upload, as a value that its caller keeps.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest as _, Sha256, Sha512};
use slipway_model::{Algorithm, Digest};
use uuid::Uuid;

use crate::error::BlobError;
use crate::s3::{Pending, S3Upload};

/// Names one upload; random, so that it cannot be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(Uuid);

impl UploadId {
    /// A new random name.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// As a UUID, for a database column.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for UploadId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for UploadId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::try_parse(text).map(Self)
    }
}

/// What a store needs beside the id to find an upload again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BackendState {
    /// Nothing: the id is enough (file system, memory).
    Plain,
    /// What stands in a bucket.
    S3(S3Upload),
}

/// Names an upload to its store, for [`abort`](crate::BlobStore::abort).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadHandle {
    /// The upload's name.
    pub id: UploadId,
    /// What this kind of store needs beside it.
    pub backend: BackendState,
}

/// An unfinished upload between two requests.
///
/// Serialise it (JSON) into the row that stands for the upload, **after** [`append`](crate::BlobStore::append) has
/// returned and also when it returned an error: the state then says how many bytes are kept. Two requests must not work
/// on one state at once; stores answer [`BlobError::UploadBusy`] where they can notice it, the row's lock or version must
/// do the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UploadState {
    pub(crate) handle: UploadHandle,
    pub(crate) received: u64,
    pub(crate) hash: SavedHash,
    /// Bytes that only this process has, between an append with [`last`](crate::AppendOptions::last) and its finish.
    #[serde(skip)]
    pub(crate) pending: Option<Pending>,
}

impl UploadState {
    /// A new upload that hashes with `algorithm` while it receives.
    pub(crate) fn new(algorithm: Algorithm, backend: BackendState) -> Self {
        let handle = UploadHandle {
            id: UploadId::random(),
            backend,
        };
        Self {
            handle,
            received: 0,
            pending: None,
            hash: Hasher::new(algorithm).save(),
        }
    }

    /// The upload's name.
    pub fn id(&self) -> UploadId {
        self.handle.id
    }

    /// Number of bytes that are stored durably and hashed: the next byte to be sent has this offset.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Names this upload to its store.
    pub fn handle(&self) -> &UploadHandle {
        &self.handle
    }
}

/// A hash in mid-stream in its saved form: the algorithm and its inner state in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedHash {
    algorithm: SavedAlgorithm,
    state: String,
}

/// [`Algorithm`] with a serialised form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SavedAlgorithm {
    Sha256,
    Sha512,
}

impl SavedHash {
    /// The hash with which the upload was begun.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.algorithm {
            SavedAlgorithm::Sha256 => Algorithm::Sha256,
            SavedAlgorithm::Sha512 => Algorithm::Sha512,
        }
    }

    /// Continues the hash.
    pub(crate) fn restore(&self) -> Result<Hasher, BlobError> {
        let bytes =
            hex::decode(&self.state).map_err(|_| BlobError::InvalidState("hash is not hexadecimal"))?;
        match self.algorithm {
            SavedAlgorithm::Sha256 => revive(&bytes).map(|hash| Hasher(Running::Sha256(hash))),
            SavedAlgorithm::Sha512 => revive(&bytes).map(|hash| Hasher(Running::Sha512(hash))),
        }
    }
}

fn revive<H: SerializableState>(bytes: &[u8]) -> Result<H, BlobError> {
    let state = bytes
        .try_into()
        .map_err(|_| BlobError::InvalidState("hash has a wrong length"))?;
    H::deserialize(&state).map_err(|_| BlobError::InvalidState("hash is damaged"))
}

/// A running hash. Cloning it is cheap (some 200 bytes).
#[derive(Clone)]
pub struct Hasher(Running);

#[derive(Clone)]
enum Running {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// Begins with no bytes.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self(Running::Sha256(Sha256::new())),
            Algorithm::Sha512 => Self(Running::Sha512(Sha512::new())),
        }
    }

    /// Hashes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Running::Sha256(hash) => hash.update(bytes),
            Running::Sha512(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn save(&self) -> SavedHash {
        match &self.0 {
            Running::Sha256(hash) => SavedHash {
                algorithm: SavedAlgorithm::Sha256,
                state: hex::encode(hash.serialize()),
            },
            Running::Sha512(hash) => SavedHash {
                algorithm: SavedAlgorithm::Sha512,
                state: hex::encode(hash.serialize()),
            },
        }
    }

    /// The digest of all bytes.
    pub fn digest(self) -> Digest {
        match self.0 {
            Running::Sha256(hash) => Digest::from_raw(Algorithm::Sha256, &hash.finalize()),
            Running::Sha512(hash) => Digest::from_raw(Algorithm::Sha512, &hash.finalize()),
        }
    }
}
