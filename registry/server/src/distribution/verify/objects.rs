//! Objects beside rows.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use slipway_blobs::{BlobError, BlobKey, ListedBlob};

use super::store::{self, BlobRow};
use super::{Damaged, Report, Stray, cutoff};
use crate::distribution::content;
use crate::distribution::upload::blob_error;
use crate::error::Result;
use crate::kernel::app::App;

/// How many objects and rows are laid beside each other at once.
const PAGE: usize = 1000;

/// Walks along the keys of both sides.
pub(super) async fn compare(app: &App, repair: bool, report: &mut Report) -> Result<()> {
    let mut after: Option<BlobKey> = None;
    loop {
        let page = app.blobs.list(after.as_ref(), PAGE).await.map_err(blob_error)?;
        let last = page.last().map(|object| object.key.clone());
        let rows = rows_between(app, after.as_ref(), last.as_ref()).await?;
        compare_page(app, repair, &page, rows, report).await?;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
        tracing::info!(objects = report.objects, "compared");
    }
}

/// All rows behind `after` and up to `last`, or to the end.
async fn rows_between(app: &App, after: Option<&BlobKey>, last: Option<&BlobKey>) -> Result<Vec<BlobRow>> {
    let mut at = after.map_or("", BlobKey::as_str).to_owned();
    let mut all = Vec::new();
    loop {
        let mut conn = app.pool.acquire().await?;
        let rows = store::rows(&mut conn, &at, last.map(BlobKey::as_str), PAGE as i64).await?;
        let Some(row) = rows.last() else { return Ok(all) };
        at.clone_from(&row.storage_key);
        all.extend(rows);
    }
}

async fn compare_page(
    app: &App,
    repair: bool,
    page: &[ListedBlob],
    rows: Vec<BlobRow>,
    report: &mut Report,
) -> Result<()> {
    let listed: HashMap<&str, u64> = page
        .iter()
        .map(|object| (object.key.as_str(), object.stat.size))
        .collect();
    let named: HashSet<String> = rows.iter().map(|row| row.storage_key.clone()).collect();
    report.objects += page.len() as u64;
    report.object_bytes += page.iter().map(|object| object.stat.size).sum::<u64>();
    for row in rows {
        report.blobs += 1;
        report.bytes += row.size();
        if listed.get(row.storage_key.as_str()) != Some(&row.size()) {
            look_again(app, row, report).await?;
        }
    }
    let keys: Vec<String> = page
        .iter()
        .map(|object| object.key.as_str().to_owned())
        .filter(|key| !named.contains(key))
        .collect();
    let doomed: HashSet<String> = {
        let mut conn = app.pool.acquire().await?;
        store::doomed(&mut conn, &keys).await?.into_iter().collect()
    };
    for object in page.iter().filter(|object| !named.contains(object.key.as_str())) {
        if doomed.contains(object.key.as_str()) {
            report.doomed_objects += 1;
        } else {
            unknown(app, repair, object, report).await?;
        }
    }
    Ok(())
}

/// The page and the row may belong to different moments: both are read once more.
async fn look_again(app: &App, row: BlobRow, report: &mut Report) -> Result<()> {
    let key = content::key(&row.storage_key)?;
    let found = match app.blobs.stat(&key).await {
        Ok(stat) if stat.size == row.size() => return Ok(()),
        Ok(stat) => Some(stat.size),
        Err(BlobError::NotFound | BlobError::InvalidKey(_)) => None,
        Err(error) => return Err(blob_error(error)),
    };
    let mut conn = app.pool.acquire().await?;
    if !store::is_named(&mut conn, &row.storage_key).await? {
        return Ok(());
    }
    let damaged = Damaged {
        repositories: store::repositories(&mut conn, &row.digest).await?,
        size: row.size(),
        found: found.map(|size| format!("{size} bytes")),
        digest: row.digest,
        key: row.storage_key,
    };
    let findings = if found.is_some() {
        &mut report.wrong_size
    } else {
        &mut report.missing
    };
    findings.add(damaged.size, damaged);
    Ok(())
}

async fn unknown(app: &App, repair: bool, object: &ListedBlob, report: &mut Report) -> Result<()> {
    let modified = DateTime::<Utc>::from(object.stat.modified);
    if modified >= cutoff(app) {
        report.young_objects += 1;
        return Ok(());
    }
    let mut conn = app.pool.acquire().await?;
    // An upload that has a row may still be finished with this very object. Only the transaction that removes that row
    // names the object, so this order of the two questions leaves no gap.
    let upload = object.key.upload().map(|id| id.as_uuid());
    if store::upload_exists(&mut conn, upload).await? {
        report.young_objects += 1;
        return Ok(());
    }
    if store::is_named(&mut conn, object.key.as_str()).await? {
        return Ok(());
    }
    drop(conn);
    let mut removed = false;
    if repair {
        match app.blobs.delete(&object.key).await {
            Ok(deletion) => {
                report.freed_bytes += deletion.bytes();
                report.removed += 1;
                removed = true;
                tracing::warn!(key = %object.key, size = object.stat.size, "removed an object that no row names");
            }
            Err(error) => {
                report.failed += 1;
                tracing::error!(key = %object.key, %error, "an object that no row names could not be removed");
            }
        }
    }
    let stray = Stray {
        key: object.key.to_string(),
        size: object.stat.size,
        modified,
        removed,
    };
    report.unknown_objects.add(object.stat.size, stray);
    Ok(())
}
