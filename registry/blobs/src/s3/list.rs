//! Listings for those who reconcile the bucket with the database.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::Inner;
use super::failure::{failed, is_upload_absent};
use super::objects::time;
use super::upload::{BLOBS, S3Upload, UPLOADS, id_of};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::state::{BackendState, UploadHandle, UploadId};
use crate::store::{BlobStat, ListedBlob, OpenUpload};

/// Most entries that object stores give at once.
const PAGE: usize = 1000;

/// An object; its key is what stands behind the prefix of the store.
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) stat: BlobStat,
}

/// At most `limit` objects below `below`, behind `after`.
pub(super) async fn objects(
    inner: &Inner,
    below: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Listed>, BlobError> {
    let request = inner
        .client()
        .list_objects_v2()
        .bucket(&inner.config.bucket)
        .prefix(inner.full(below))
        .set_start_after(after.map(|key| inner.full(key)))
        .max_keys(i32::try_from(limit.min(PAGE)).unwrap_or(1000));
    let answer = request
        .send()
        .await
        .map_err(|error| match failed("list its objects", error) {
            BlobError::NotFound => BlobError::Unavailable {
                operation: "list its objects",
                source: "there is no such bucket, see storage.s3.bucket".into(),
            },
            error => error,
        })?;
    let objects = answer.contents().iter().filter_map(|object| {
        Some(Listed {
            key: object.key()?.strip_prefix(&inner.config.prefix)?.to_owned(),
            stat: BlobStat {
                size: object.size().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                modified: time(object.last_modified()),
            },
        })
    });
    Ok(objects.collect())
}

/// See [`BlobStore::list`](crate::BlobStore::list).
pub(super) async fn blobs(
    inner: &Inner,
    after: Option<&BlobKey>,
    limit: usize,
) -> Result<Vec<ListedBlob>, BlobError> {
    let mut after = after.map(|key| key.as_str().to_owned());
    let mut page = Vec::new();
    while page.len() < limit {
        let found = objects(inner, BLOBS, after.as_deref(), limit - page.len()).await?;
        let Some(last) = found.last() else { break };
        after = Some(last.key.clone());
        for object in found {
            // What others put there is not ours.
            if id_of(&object.key).is_some() {
                page.push(ListedBlob {
                    key: BlobKey::parse(&object.key)?,
                    stat: object.stat,
                });
            }
        }
    }
    Ok(page)
}

/// Ids of the multipart uploads of one key. The prefix is the whole key: MinIO lists for nothing less.
pub(super) async fn multiparts_of(inner: &Inner, key: &str) -> Result<Vec<String>, BlobError> {
    let full = inner.full(key);
    let (mut found, mut marker): (Vec<String>, Option<(String, String)>) = (Vec::new(), None);
    loop {
        let (key_marker, id_marker) = marker.take().unzip();
        let request = inner
            .client()
            .list_multipart_uploads()
            .bucket(&inner.config.bucket)
            .prefix(&full)
            .set_key_marker(key_marker)
            .set_upload_id_marker(id_marker);
        let answer = request
            .send()
            .await
            .map_err(|error| failed("list its multipart uploads", error))?;
        let ours = answer
            .uploads()
            .iter()
            .filter(|upload| upload.key() == Some(full.as_str()));
        found.extend(ours.filter_map(|upload| upload.upload_id().map(str::to_owned)));
        match (
            answer.is_truncated(),
            answer.next_key_marker(),
            answer.next_upload_id_marker(),
        ) {
            (Some(true), Some(key), Some(id)) => marker = Some((key.to_owned(), id.to_owned())),
            _ => return Ok(found),
        }
    }
}

/// Bytes of a multipart upload, and when the last of them came.
pub(super) async fn size_of_parts(
    inner: &Inner,
    key: &str,
    multipart: &str,
) -> Result<(u64, SystemTime), BlobError> {
    let (mut size, mut newest, mut marker) = (0, SystemTime::UNIX_EPOCH, None);
    loop {
        let request = inner
            .client()
            .list_parts()
            .bucket(&inner.config.bucket)
            .key(inner.full(key))
            .upload_id(multipart)
            .set_part_number_marker(marker.take());
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Gone meanwhile.
            Err(error) if is_upload_absent(&error) => return Ok((size, newest)),
            Err(error) => return Err(failed("list the parts of an upload", error)),
        };
        for part in answer.parts() {
            size += part.size().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
            newest = newest.max(time(part.last_modified()));
        }
        match (answer.is_truncated(), answer.next_part_number_marker()) {
            (Some(true), Some(next)) => marker = Some(next.to_owned()),
            _ => return Ok((size, newest)),
        }
    }
}

/// See [`BlobStore::list_uploads`](crate::BlobStore::list_uploads): multipart uploads and tails, merged by upload.
pub(super) async fn uploads(
    inner: &Inner,
    after: Option<UploadId>,
    limit: usize,
) -> Result<Vec<OpenUpload>, BlobError> {
    let mut found: BTreeMap<UploadId, (u64, SystemTime)> = BTreeMap::new();
    let mut add = |id: UploadId, size: u64, modified: SystemTime| {
        let entry = found.entry(id).or_insert((0, SystemTime::UNIX_EPOCH));
        entry.0 += size;
        entry.1 = entry.1.max(modified);
    };
    // Ids are listed in their order by both requests, so what lies behind the last id of a page that was cut is not known yet.
    let (tails, tails_end) = tails(inner, after, limit).await?;
    for (id, stat) in tails {
        add(id, stat.size, stat.modified);
    }
    let (multiparts, multiparts_end) = multiparts(inner, after, limit).await?;
    for (id, multipart, begun) in multiparts {
        let key = format!("{BLOBS}{id}");
        let (size, newest) = size_of_parts(inner, &key, &multipart).await?;
        add(id, size, newest.max(begun));
    }
    let known = |id: &UploadId| [tails_end, multiparts_end].iter().flatten().all(|end| id <= end);
    let page = found.into_iter().filter(|(id, _)| known(id)).take(limit);
    Ok(page
        .map(|(id, (size, modified))| OpenUpload {
            handle: UploadHandle {
                id,
                backend: BackendState::S3(S3Upload::default()),
            },
            size,
            modified,
        })
        .collect())
}

/// Tails of whole uploads, and the last id that is known whole if there are more.
async fn tails(
    inner: &Inner,
    after: Option<UploadId>,
    limit: usize,
) -> Result<(Vec<(UploadId, BlobStat)>, Option<UploadId>), BlobError> {
    // `0` follows `/`: behind all objects of the upload.
    let mut marker = after.map(|id| format!("{UPLOADS}{id}0"));
    let mut all: Vec<(UploadId, BlobStat)> = Vec::new();
    loop {
        let page = objects(inner, UPLOADS, marker.as_deref(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok((all, None));
        };
        marker = Some(last.key.clone());
        all.extend(page.into_iter().filter_map(|object| {
            let (id, _) = object.key.strip_prefix(UPLOADS)?.split_once('/')?;
            Some((id.parse().ok()?, object.stat))
        }));
        let mut ids: Vec<UploadId> = all.iter().map(|(id, _)| *id).collect();
        ids.dedup();
        if ids.len() > limit {
            return Ok((all, ids.iter().rev().nth(1).copied()));
        }
    }
}

type Multipart = (UploadId, String, SystemTime);

/// Multipart uploads behind an id, and the last id that is known whole if there are more.
async fn multiparts(
    inner: &Inner,
    after: Option<UploadId>,
    limit: usize,
) -> Result<(Vec<Multipart>, Option<UploadId>), BlobError> {
    let mut marker = (after.map(|id| inner.full(&format!("{BLOBS}{id}"))), None);
    let mut all: Vec<Multipart> = Vec::new();
    loop {
        let (key_marker, id_marker) = std::mem::take(&mut marker);
        let request = inner
            .client()
            .list_multipart_uploads()
            .bucket(&inner.config.bucket)
            .prefix(inner.full(BLOBS))
            .set_key_marker(key_marker)
            .set_upload_id_marker(id_marker);
        let answer = request
            .send()
            .await
            .map_err(|error| failed("list its multipart uploads", error))?;
        all.extend(answer.uploads().iter().filter_map(|upload| {
            let id = id_of(upload.key()?.strip_prefix(&inner.config.prefix)?)?;
            let behind = after.is_none_or(|after| id > after);
            behind.then(|| Some((id, upload.upload_id()?.to_owned(), time(upload.initiated()))))?
        }));
        let mut ids: Vec<UploadId> = all.iter().map(|(id, ..)| *id).collect();
        ids.dedup();
        match (answer.is_truncated(), answer.next_key_marker()) {
            (Some(true), Some(key)) => {
                marker = (
                    Some(key.to_owned()),
                    answer.next_upload_id_marker().map(str::to_owned),
                );
            }
            _ => return Ok((all, None)),
        }
        if ids.len() > limit {
            return Ok((all, ids.iter().rev().nth(1).copied()));
        }
    }
}
