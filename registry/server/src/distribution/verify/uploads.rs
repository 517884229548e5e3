//! Uploads beside rows.

use chrono::{DateTime, Utc};

use super::{Report, Stray};
use crate::distribution::garbage::unknown_uploads;
use crate::distribution::upload::blob_error;
use crate::error::Result;
use crate::kernel::app::App;

const PAGE: usize = 500;

/// Walks along the uploads that the store holds.
pub(super) async fn compare(app: &App, repair: bool, report: &mut Report) -> Result<()> {
    let mut after = None;
    loop {
        let page = app.blobs.list_uploads(after, PAGE).await.map_err(blob_error)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.handle.id);
        report.uploads += page.len() as u64;
        report.upload_bytes += page.iter().map(|upload| upload.size).sum::<u64>();
        for upload in unknown_uploads(app, page).await? {
            let mut removed = false;
            if repair {
                match app.blobs.abort(&upload.handle).await {
                    Ok(bytes) => {
                        report.freed_bytes += bytes;
                        report.removed += 1;
                        removed = true;
                    }
                    Err(error) => {
                        report.failed += 1;
                        tracing::error!(upload = %upload.handle.id, %error, "an unknown upload could not be removed");
                    }
                }
            }
            let stray = Stray {
                key: upload.handle.id.to_string(),
                size: upload.size,
                modified: DateTime::<Utc>::from(upload.modified),
                removed,
            };
            report.unknown_uploads.add(upload.size, stray);
        }
    }
}
