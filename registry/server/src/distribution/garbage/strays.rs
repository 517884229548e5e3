//! Uploads that the store holds and no row knows: left by a project that was removed, a restored database, a crash.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use slipway_blobs::OpenUpload;
use uuid::Uuid;

use crate::distribution::settings;
use crate::distribution::upload::{blob_error, store as uploads};
use crate::error::Result;
use crate::kernel::app::App;

/// How many uploads are listed at once.
const PAGE: usize = 500;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Strays {
    /// Uploads that the store listed.
    pub(crate) seen: u64,
    /// Unknown ones that were removed.
    pub(crate) removed: u64,
    /// Bytes that the store confirmed as freed.
    pub(crate) freed_bytes: u64,
    /// Unknown ones that could not be removed.
    pub(crate) failed: u64,
}

/// Removes unknown uploads whose last byte is older than the expiry of uploads. A row is written before the first
/// byte and removed behind the last, so what has none is nobody's; finished blobs are not touched.
pub(crate) async fn abort_strays(app: &App, stopped: impl Fn() -> bool) -> Result<Strays> {
    let mut done = Strays::default();
    if app.config.storage_shared {
        return Ok(done);
    }
    let mut after = None;
    loop {
        let page = app.blobs.list_uploads(after, PAGE).await.map_err(blob_error)?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.handle.id);
        done.seen += page.len() as u64;
        for upload in unknown(app, page).await? {
            if stopped() {
                return Ok(done);
            }
            match app.blobs.abort(&upload.handle).await {
                Ok(bytes) => {
                    done.removed += 1;
                    done.freed_bytes += bytes;
                }
                Err(error) => {
                    done.failed += 1;
                    tracing::warn!(upload = %upload.handle.id, %error, "an unknown upload could not be removed yet");
                }
            }
        }
    }
}

/// Those of a page that are old enough and have no row.
pub(crate) async fn unknown(app: &App, page: Vec<OpenUpload>) -> Result<Vec<OpenUpload>> {
    let before = app.clock.now() - settings::upload_expiry(app);
    let old: Vec<OpenUpload> = page
        .into_iter()
        .filter(|upload| DateTime::<Utc>::from(upload.modified) < before)
        .collect();
    let ids: Vec<Uuid> = old.iter().map(|upload| upload.handle.id.as_uuid()).collect();
    let known: HashSet<Uuid> = {
        let mut conn = app.pool.acquire().await?;
        uploads::known(&mut conn, &ids).await?.into_iter().collect()
    };
    Ok(old
        .into_iter()
        .filter(|upload| !known.contains(&upload.handle.id.as_uuid()))
        .collect())
}
