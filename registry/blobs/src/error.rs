//! The one error type of the crate.

use std::io;

use slipway_model::Digest;
use thiserror::Error;

use crate::store::BoxError;

/// Why a store did not do what it was asked to do.
#[derive(Debug, Error)]
pub enum BlobError {
    /// No blob stands under this key.
    #[error("there is no blob under this key")]
    NotFound,
    /// The text is no key that this store could have given out.
    #[error("{0:?} is not a blob key")]
    InvalidKey(String),
    /// The store has no bytes, or not enough of them, for this upload: it was aborted, swept or lost with its disk.
    /// The client has to begin again.
    #[error("the store does not hold the bytes of this upload")]
    UploadUnknown,
    /// Another request is appending to, or finishing, this very upload.
    #[error("another request is writing to this upload")]
    UploadBusy,
    /// The state came back from its keeper in a form that this version cannot read.
    #[error("the saved upload state is not readable: {0}")]
    InvalidState(&'static str),
    /// The bytes have another digest than the client said.
    #[error("the content has the digest {actual}, not {expected}")]
    DigestMismatch {
        /// What the client said.
        expected: Digest,
        /// What the bytes have.
        actual: Digest,
    },
    /// The range begins at or behind the end of the blob.
    #[error("the range begins behind the end of the blob of {size} bytes")]
    RangeNotSatisfiable {
        /// The blob's size in bytes.
        size: u64,
    },
    /// The upload would grow over the limit that the caller set.
    #[error("the upload is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The request's body broke; what had arrived is kept and counted in the state.
    #[error("the request body broke off")]
    Body(#[source] BoxError),
    /// The disk or the quota behind the store is full.
    #[error("the blob storage is full")]
    StorageFull,
    /// Anything else that kept the store from its work; worth a retry later.
    #[error("the blob storage failed to {operation}")]
    Unavailable {
        /// What the store was doing, as an infinitive: "write an upload".
        operation: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl BlobError {
    /// Maps an I/O error met while doing `operation`.
    pub(crate) fn io(operation: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::StorageFull
            }
            _ => Self::Unavailable {
                operation,
                source: error.into(),
            },
        }
    }
}
