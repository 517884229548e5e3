//! Uploads: the state machine begin → append … → finish, and what leaves it early.
//!
//! The row in `uploads` is the session (any replica goes on from it); the bytes are with the blob store.
//! Nothing of an upload is visible before `finish`, which registers the blob in one transaction.

mod append;
mod begin;
mod cancel;
pub(crate) mod claim;
mod finish;
mod mount;
pub(crate) mod range;
mod status;
pub(crate) mod store;

pub(crate) use append::append;
pub(crate) use begin::begin;
pub(crate) use cancel::cancel;
pub(crate) use finish::{Monolithic, algorithm, fetched, finish, monolithic};
pub(crate) use mount::mount;
pub(crate) use status::status;

use slipway_blobs::BlobError;
use slipway_model::RepositoryName;
use uuid::Uuid;

use crate::distribution::body::BodyFault;
use crate::error::{Code, Error, Result};
use crate::kernel::access::ProjectScope;

/// A repository in which the caller may push.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PushTarget<'a> {
    /// The project, which exists.
    pub(crate) project: &'a ProjectScope,
    /// The repository, which may not exist yet.
    pub(crate) repository: &'a RepositoryName,
}

/// An upload in progress, as a path names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session<'a> {
    target: PushTarget<'a>,
    id: Uuid,
}

impl<'a> Session<'a> {
    /// Reads the id of a path.
    pub(crate) fn parse(target: PushTarget<'a>, id: &str) -> Result<Self> {
        let id = Uuid::try_parse(id).map_err(|_| unknown())?;
        Ok(Self { target, id })
    }

    /// An upload that was just begun.
    fn new(target: PushTarget<'a>, id: Uuid) -> Self {
        Self { target, id }
    }

    /// Where the next request goes: relative and without a query, because proxies and clients damage
    /// everything else.
    pub(crate) fn location(&self) -> String {
        format!("/v2/{}/blobs/uploads/{}", self.target.repository, self.id)
    }

    /// The upload's id.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    fn key(&self) -> store::Key<'a> {
        store::Key {
            id: self.id,
            project_id: self.target.project.id,
            repository: self.target.repository.as_str(),
        }
    }
}

/// No such upload: never begun, finished, cancelled or expired.
fn unknown() -> Error {
    let message = "there is no such upload: it was finished, cancelled or expired, begin a new one";
    Error::new(Code::BlobUploadUnknown, message)
}

/// What the blob store's errors mean to a client.
pub(crate) fn blob_error(error: BlobError) -> Error {
    match error {
        BlobError::UploadUnknown => unknown(),
        BlobError::UploadBusy => claim::busy(),
        BlobError::DigestMismatch { expected, actual } => Error::new(
            Code::DigestInvalid,
            format!("the content has the digest {actual}, not {expected}"),
        )
        .with_detail(serde_json::json!({"expected": expected.as_str(), "actual": actual.as_str()})),
        BlobError::Body(cause) => {
            let code = match cause.downcast_ref::<BodyFault>() {
                Some(BodyFault::Short { .. } | BodyFault::Long { .. }) => Code::SizeInvalid,
                _ => Code::BlobUploadInvalid,
            };
            Error::new(code, format!("the body of the request is not complete: {cause}"))
        }
        BlobError::TooLarge { limit } => {
            Error::new(Code::PayloadTooLarge, format!("a blob may have {limit} bytes"))
        }
        BlobError::StorageFull => Error::new(Code::StorageFull, "the registry's storage is full"),
        error @ (BlobError::NotFound
        | BlobError::InvalidKey(_)
        | BlobError::InvalidState(_)
        | BlobError::RangeNotSatisfiable { .. }) => Error::internal(error),
        error @ BlobError::Unavailable { .. } => {
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            Error::unavailable(format!("{error}: {cause}"))
        }
    }
}
