//! Contents beside digests.

use std::time::Duration;

use futures::StreamExt;
use slipway_blobs::BlobError;
use slipway_model::Digest;
use tokio::time::Instant;

use super::store::{self, BlobRow};
use super::{Damaged, Report};
use crate::distribution::content;
use crate::distribution::upload::blob_error;
use crate::error::{Error, Result};
use crate::kernel::app::App;

const PAGE: i64 = 500;

/// Reads every blob, at most `rate` bytes a second.
pub(super) async fn compare(app: &App, rate: u64, report: &mut Report) -> Result<()> {
    let mut pace = Pace {
        rate: rate.max(1),
        start: Instant::now(),
        bytes: 0,
    };
    let mut after = String::new();
    loop {
        let rows = {
            let mut conn = app.pool.acquire().await?;
            store::rows(&mut conn, &after, None, PAGE).await?
        };
        let Some(last) = rows.last() else { return Ok(()) };
        after.clone_from(&last.storage_key);
        for row in rows {
            compare_one(app, row, &mut pace, report).await?;
        }
        tracing::info!(
            blobs = report.contents_compared,
            bytes = pace.bytes,
            "contents compared"
        );
    }
}

async fn compare_one(app: &App, row: BlobRow, pace: &mut Pace, report: &mut Report) -> Result<()> {
    let expected = Digest::parse(&row.digest).map_err(Error::internal)?;
    let mut reader = match app.blobs.open(&content::key(&row.storage_key)?, None).await {
        Ok(reader) => reader,
        // Reported already, or collected meanwhile.
        Err(BlobError::NotFound | BlobError::InvalidKey(_)) => return Ok(()),
        Err(error) => return Err(blob_error(error)),
    };
    let mut hasher = slipway_blobs::DigestHasher::new(expected.algorithm());
    while let Some(piece) = reader.stream.next().await {
        let piece = piece.map_err(blob_error)?;
        pace.take(piece.len() as u64).await;
        hasher.update(&piece);
    }
    report.contents_compared += 1;
    let actual = hasher.digest();
    if actual == expected {
        return Ok(());
    }
    let mut conn = app.pool.acquire().await?;
    if store::is_named(&mut conn, &row.storage_key).await? {
        let damaged = Damaged {
            repositories: store::repositories(&mut conn, &row.digest).await?,
            size: row.size(),
            found: Some(actual.to_string()),
            digest: row.digest,
            key: row.storage_key,
        };
        report.wrong_content.add(damaged.size, damaged);
    }
    Ok(())
}

/// Keeps to a rate on average.
struct Pace {
    rate: u64,
    start: Instant,
    bytes: u64,
}

impl Pace {
    async fn take(&mut self, bytes: u64) {
        self.bytes += bytes;
        let due = Duration::from_secs_f64(self.bytes as f64 / self.rate as f64);
        tokio::time::sleep_until(self.start + due).await;
    }
}
