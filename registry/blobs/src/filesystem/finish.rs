//! The end of uploads. Everything here blocks.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use slipway_model::Digest;

use super::layout::{Layout, key_of, sync_folder};
use super::{Inner, upload_file};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::state::{Hasher, UploadId, UploadState};
use crate::store::StoredBlob;

/// See [`BlobStore::finish`](crate::BlobStore::finish).
pub(super) fn finish(inner: &Inner, state: &UploadState, expected: &Digest) -> Result<StoredBlob, BlobError> {
    let key = key_of(expected, state.id())?;
    let blob = inner.layout.blob(&key)?;
    let upload = inner.layout.upload(state.id());
    // An answer that was lost: the blob is there already. The caller's state may be older than its last append, so only the key
    // counts, which holds the digest that was compared then; what a repeated append brought is not needed.
    if let Ok(metadata) = fs::symlink_metadata(&blob) {
        remove_if_there(&upload).map_err(|error| BlobError::io("remove an upload", error))?;
        return sealed(key, &blob, metadata.len());
    }
    let same_algorithm = state.hash.algorithm() == expected.algorithm();
    if same_algorithm {
        compare(state.hash.restore()?, expected)?;
    }
    let file = upload_file::open(&upload, state.received)?;
    if !same_algorithm {
        compare(hash_file(&file, expected, inner)?, expected)?;
    }
    file.sync_data()
        .map_err(|error| BlobError::io("write out an upload", error))?;
    match fs::rename(&upload, &blob) {
        Ok(()) => sealed(key, &blob, state.received),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::UploadUnknown),
        Err(error) => Err(BlobError::io("rename an upload", error)),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the name of a blob durable.
fn sealed(key: BlobKey, blob: &Path, size: u64) -> Result<StoredBlob, BlobError> {
    let folder = blob.parent().unwrap_or(blob);
    sync_folder(folder).map_err(|error| BlobError::io("write out a folder", error))?;
    Ok(StoredBlob { key, size })
}

fn compare(hasher: Hasher, expected: &Digest) -> Result<(), BlobError> {
    let actual = hasher.digest();
    if actual == *expected {
        Ok(())
    } else {
        Err(BlobError::DigestMismatch {
            expected: expected.clone(),
            actual,
        })
    }
}

/// Reads the upload back with another hash than the one that ran while it arrived.
fn hash_file(mut file: &File, expected: &Digest, inner: &Inner) -> Result<Hasher, BlobError> {
    let mut hasher = Hasher::new(expected.algorithm());
    let mut buffer = inner.buffers.take();
    let mut read_all = || {
        file.seek(SeekFrom::Start(0))?;
        loop {
            match file.read(buffer.space()) {
                Ok(0) => return Ok(()),
                Ok(length) => hasher.update(&buffer.space()[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    read_all().map_err(|error| BlobError::io("read an upload back", error))?;
    Ok(hasher)
}

/// See [`BlobStore::abort`](crate::BlobStore::abort).
pub(super) fn abort(layout: &Layout, id: UploadId) -> Result<u64, BlobError> {
    let path = layout.upload(id);
    let size = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(BlobError::io("look at an upload", error)),
    };
    let _locked = match upload_file::open(&path, size) {
        Ok(file) => file,
        Err(BlobError::UploadUnknown) => return Ok(0),
        Err(error) => return Err(error),
    };
    match fs::remove_file(&path) {
        Ok(()) => Ok(size),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(BlobError::io("remove an upload", error)),
    }
}
