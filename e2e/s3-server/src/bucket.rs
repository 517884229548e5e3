//! What is in the bucket.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use s3s::dto::Timestamp;

/// An object, or a part of one.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) metadata: Option<HashMap<String, String>>,
    /// The server-side encryption that was asked for.
    pub(crate) encryption: Option<String>,
}

impl Object {
    /// The bytes from `start` to `end` in pieces.
    pub(crate) fn slices(&self, start: u64, end: u64) -> Vec<Bytes> {
        let (mut at, mut found) = (0, Vec::new());
        for piece in &self.pieces {
            let next = at + piece.len() as u64;
            let (from, to) = (start.max(at), end.min(next));
            if from < to {
                found.push(piece.slice((from - at) as usize..(to - at) as usize));
            }
            at = next;
        }
        found
    }
}

/// A multipart upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) begun: Timestamp,
    pub(crate) parts: BTreeMap<i32, Object>,
    pub(crate) encryption: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) objects: BTreeMap<String, Object>,
    /// By id.
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) next_id: u64,
    /// Keys that are not deleted.
    pub(crate) protected: HashSet<String>,
    /// Requests of each kind.
    pub(crate) requests: HashMap<crate::Operation, u64>,
}

/// The bucket, shared by all connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bucket {
    contents: Arc<Mutex<Contents>>,
}

impl Bucket {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
