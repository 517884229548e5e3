//! The expiry of uploads that nobody goes on with.

use slipway_blobs::{BlobError, UploadState};
use slipway_model::Digest;
use uuid::Uuid;

use super::{store, sweep};
use crate::distribution::settings;
use crate::distribution::upload::blob_error;
use crate::distribution::upload::claim::{CLAIM, Claim};
use crate::distribution::upload::store as uploads;
use crate::error::Result;
use crate::kernel::app::App;

/// How many uploads are looked at at once.
const BATCH: i64 = 200;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Uploads that were removed.
    pub(crate) uploads: u64,
    /// Uploads whose bytes the store could not remove; they are tried again.
    pub(crate) failed: u64,
}

/// Removes the uploads that have been idle for longer than the configured time, counted from their last
/// byte. An upload that a request holds is left alone.
pub(crate) async fn expire_uploads(app: &App, stopped: impl Fn() -> bool) -> Result<Expired> {
    let mut done = Expired::default();
    loop {
        let now = app.clock.now();
        let before = now - settings::upload_expiry(app);
        let idle = {
            let mut conn = app.pool.acquire().await?;
            uploads::idle(&mut conn, now, before, BATCH).await?
        };
        let before_this_batch = done;
        for id in idle {
            if stopped() {
                return Ok(done);
            }
            let taken = {
                let mut conn = app.pool.acquire().await?;
                uploads::take_idle(&mut conn, now, now + CLAIM, id, before).await?
            };
            let Some((taken, finishing)) = taken else { continue };
            match expire(app, id, taken, finishing).await {
                Ok(()) => done.uploads += 1,
                Err(error) => {
                    done.failed += 1;
                    tracing::warn!(upload = %id, ?error, "an idle upload could not be removed yet");
                }
            }
        }
        // Those that fail stay claimed for a moment, so each run comes to an end.
        if done == before_this_batch {
            return Ok(done);
        }
    }
}

async fn expire(app: &App, id: Uuid, taken: uploads::Taken, finishing: Option<String>) -> Result<()> {
    let generation = taken.generation;
    match serde_json::from_value::<UploadState>(taken.state.clone()) {
        Ok(state) => {
            if let Some(digest) = finishing.as_deref().and_then(|text| Digest::parse(text).ok()) {
                remove_finished(app, &state, &digest).await?;
            }
            Claim::of(app, id, taken)?.try_abandon().await
        }
        Err(error) => {
            tracing::error!(upload = %id, %error, "the state of an upload is not readable, only its row is removed");
            let mut conn = app.pool.acquire().await?;
            uploads::remove(&mut conn, id, generation).await?;
            Ok(())
        }
    }
}

/// A closing request may have died between the store and the database; then there is an object that no
/// row names. Repeating the finish finds it (or makes it, which is as good), and it goes.
async fn remove_finished(app: &App, state: &UploadState, digest: &Digest) -> Result<()> {
    let stored = match app.blobs.finish(state, digest).await {
        Ok(stored) => stored,
        Err(error @ (BlobError::Unavailable { .. } | BlobError::StorageFull | BlobError::UploadBusy)) => {
            return Err(blob_error(error));
        }
        Err(_) => return Ok(()),
    };
    let key = stored.key.as_str();
    let mut conn = app.pool.acquire().await?;
    if store::is_kept(&mut conn, digest.as_str(), key).await? {
        return Ok(());
    }
    let size = i64::try_from(stored.size).unwrap_or(0);
    store::doom(&mut conn, app.clock.now(), key, digest.as_str(), size).await?;
    drop(conn);
    sweep(app, key).await;
    Ok(())
}
