//! Listings for those who reconcile the store with the database. Everything here blocks.
//!
//! Files may come and go meanwhile: what was there all the time is listed.

use std::fs;
use std::io;
use std::path::Path;

use slipway_model::Algorithm;

use super::layout::{ALGORITHMS, Layout, is_blob_name, is_upload_name};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::state::{BackendState, UploadHandle, UploadId};
use crate::store::{BlobStat, ListedBlob, OpenUpload};

/// See [`BlobStore::list`](crate::BlobStore::list). Memory: the names of one of the 256 folders.
pub(super) fn blobs(
    layout: &Layout,
    after: Option<&BlobKey>,
    limit: usize,
) -> Result<Vec<ListedBlob>, BlobError> {
    let after = after.map_or("", BlobKey::as_str);
    let mut page = Vec::new();
    for algorithm in ALGORITHMS {
        for byte in 0..=u8::MAX {
            let fan = hex::encode([byte]);
            let prefix = format!("{}/{fan}/", algorithm.name());
            if page.len() >= limit {
                return Ok(page);
            }
            // Folders wholly before `after` need no look.
            if prefix.as_str() < after && !after.starts_with(&prefix) {
                continue;
            }
            let folder = layout.blobs_of(algorithm).join(fan);
            extend_from_folder(&mut page, &folder, algorithm, &prefix, after, limit)?;
        }
    }
    Ok(page)
}

fn extend_from_folder(
    page: &mut Vec<ListedBlob>,
    folder: &Path,
    algorithm: Algorithm,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Result<(), BlobError> {
    let wanted = |name: &str| is_blob_name(name, algorithm) && *format!("{prefix}{name}") > *after;
    for name in sorted_names(folder, wanted)? {
        if page.len() >= limit {
            break;
        }
        if let Some(stat) = stat(&folder.join(&name))? {
            page.push(ListedBlob {
                key: BlobKey::parse(&format!("{prefix}{name}"))?,
                stat,
            });
        }
    }
    Ok(())
}

/// See [`BlobStore::list_uploads`](crate::BlobStore::list_uploads).
pub(super) fn uploads(
    layout: &Layout,
    after: Option<UploadId>,
    limit: usize,
) -> Result<Vec<OpenUpload>, BlobError> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let mut page = Vec::new();
    for name in sorted_names(layout.uploads(), |name| {
        is_upload_name(name) && name > after.as_str()
    })? {
        if page.len() >= limit {
            break;
        }
        let Ok(id) = name.parse::<UploadId>() else {
            continue;
        };
        if let Some(stat) = stat(&layout.upload(id))? {
            let handle = UploadHandle {
                id,
                backend: BackendState::Plain,
            };
            page.push(OpenUpload {
                handle,
                size: stat.size,
                modified: stat.modified,
            });
        }
    }
    Ok(page)
}

fn sorted_names(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, BlobError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string()
            && wanted(&name)
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Size and age, or nothing when the file has gone meanwhile.
fn stat(path: &Path) -> Result<Option<BlobStat>, BlobError> {
    let look = || -> io::Result<BlobStat> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(BlobStat {
            size: metadata.len(),
            modified: metadata.modified()?,
        })
    };
    match look() {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: io::Error) -> BlobError {
    BlobError::io("list its files", error)
}
