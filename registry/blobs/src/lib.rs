//! Blob storage behind one trait, [`BlobStore`]: the file system, S3 and memory.
//!
//! A store keeps bytes under keys of its own choosing and knows nothing of repositories. Which digest stands under
//! which key, and who may read it, is the database's business. Two rules carry the whole crate:
//!
//! * **An unfinished upload is a value**, [`UploadState`], which its caller keeps between requests (in PostgreSQL). It
//!   holds the running hash, so any process that sees the same store goes on where another one stopped.
//! * **A key is never used twice.** Two uploads of one digest end under two keys; the database keeps the first and the
//!   caller deletes the second. A garbage collector that deletes a key can therefore never hit a blob that was
//!   pushed again a moment ago.

pub mod error;
pub mod filesystem;
pub mod key;
pub mod memory;
pub mod reader;
pub mod s3;
pub mod state;
pub mod store;

#[cfg(test)]
mod contract;

pub use error::BlobError;
pub use filesystem::FilesystemStore;
pub use key::BlobKey;
pub use memory::MemoryStore;
pub use reader::{BlobReader, BlobStream};
pub use s3::S3Store;
pub use state::{Hasher as DigestHasher, UploadHandle, UploadId, UploadState};
pub use store::{
    AppendOptions, BlobStat, BlobStore, Body, BoxError, Deletion, ListedBlob, OpenUpload, RedirectOptions,
    StoredBlob, put,
};
