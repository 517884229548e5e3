//! What is kept of an unfinished upload, and the names of its objects.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::budget::Reservation;
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::state::{BackendState, UploadId, UploadState};

/// Where finished blobs stand.
pub(super) const BLOBS: &str = "blobs/";
/// Where tails stand.
pub(super) const UPLOADS: &str = "uploads/";

/// An unfinished upload as the bucket has it. Short names, because a row holds up to 10,000 parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Upload {
    /// The multipart upload, once there is one.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) multipart: Option<String>,
    /// Its parts, from number 1 on.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Part>,
    /// Size of each of these parts; what the setting says may change meanwhile.
    #[serde(rename = "s", default)]
    pub(super) part_size: u64,
    /// The bytes behind the last part.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) tail: Option<Tail>,
    /// The tail before this one: needed until the state that names the new one is saved.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) old: Option<Tail>,
}

/// A part as the object store confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Its ETag without quotes.
    #[serde(rename = "e")]
    pub(super) etag: String,
    /// Its CRC-32, where the store wants to hear it again at the end.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) crc32: Option<String>,
}

/// An object with the bytes behind the last part. Its name is never used twice, so a writer that lost its claim cannot
/// put other bytes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Tail {
    #[serde(rename = "n")]
    pub(super) nonce: u64,
    #[serde(rename = "l")]
    pub(super) length: u64,
}

impl Tail {
    /// The object's key behind the prefix.
    pub(super) fn key(self, id: UploadId) -> String {
        format!("{UPLOADS}{id}/{:016x}", self.nonce)
    }
}

/// Bytes between an append and the finish in the same request, with the memory that is reserved for them.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(super) bytes: Bytes,
    pub(super) _reserved: Arc<Option<Reservation>>,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

/// The key of the blob that an upload becomes.
pub(super) fn key_of(id: UploadId) -> Result<BlobKey, BlobError> {
    BlobKey::parse(&format!("{BLOBS}{id}"))
}

/// Notes that an object was put together before its digest was compared.
pub(super) fn unverified_key(id: UploadId) -> String {
    format!("{UPLOADS}{id}/unverified")
}

/// The upload of a key; `None` for keys that this kind of store does not give out.
pub(super) fn id_of(key: &str) -> Option<UploadId> {
    let name = key.strip_prefix(BLOBS)?;
    name.parse::<UploadId>().ok().filter(|id| id.to_string() == name)
}

/// The tail that stands under a key.
pub(super) fn tail_of(key: &str, length: u64) -> Option<Tail> {
    let (_, nonce) = key.rsplit_once('/')?;
    let nonce = u64::from_str_radix(nonce, 16).ok()?;
    Some(Tail { nonce, length })
}

/// Refuses keys that this kind of store does not give out.
pub(super) fn check_key(key: &BlobKey) -> Result<(), BlobError> {
    match id_of(key.as_str()) {
        Some(_) => Ok(()),
        None => Err(BlobError::InvalidKey(key.to_string())),
    }
}

/// The part of a state that is ours.
pub(super) fn upload_of(state: &UploadState) -> Result<&S3Upload, BlobError> {
    match &state.handle.backend {
        BackendState::S3(upload) => Ok(upload),
        BackendState::Plain => Err(BlobError::InvalidState("it was begun on another kind of store")),
    }
}
