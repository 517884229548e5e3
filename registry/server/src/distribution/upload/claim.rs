//! Holding an upload: one request writes to it at a time, on whatever replica.
//!
//! A claim is a lease on the row that the writing request renews while bytes come in. No lock and no
//! connection is held meanwhile. `generation` fences: a writer that lost its claim (its process was stopped
//! for longer than the lease) finds another generation in the row and can no longer save anything.

use std::time::Duration;

use chrono::TimeDelta;
use slipway_blobs::{AppendOptions, BlobError, StoredBlob, UploadState};
use slipway_model::Digest;
use uuid::Uuid;

use super::store;
use super::{Session, blob_error};
use crate::distribution::body::Incoming;
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;

/// How long a claim holds without being renewed.
pub(crate) const CLAIM: TimeDelta = TimeDelta::seconds(15);
/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// After how many bytes of one request the state is saved in between.
const PART: u64 = 256 << 20;

/// An upload that this request holds.
pub(crate) struct Claim {
    app: App,
    pub(super) id: Uuid,
    generation: i64,
    pub(super) state: UploadState,
}

impl Claim {
    /// Takes an upload that nobody else holds. `finishing` is the digest that a closing request names.
    pub(crate) async fn take(app: &App, session: &Session<'_>, finishing: Option<&str>) -> Result<Self> {
        let key = session.key();
        let now = app.clock.now();
        let mut conn = app.pool.acquire().await?;
        let Some(taken) = store::take(&mut conn, now, now + CLAIM, &key, finishing).await? else {
            return Err(match store::bytes(&mut conn, &key).await? {
                Some(_) => busy(),
                None => super::unknown(),
            });
        };
        Self::of(app, key.id, taken)
    }

    /// What a row says, as a claim.
    pub(crate) fn of(app: &App, id: Uuid, taken: store::Taken) -> Result<Self> {
        let state = serde_json::from_value(taken.state).map_err(Error::internal)?;
        Ok(Self {
            app: app.clone(),
            id,
            generation: taken.generation,
            state,
        })
    }

    /// A new upload that this request holds from the start.
    pub(super) fn fresh(app: &App, state: UploadState) -> Self {
        Self {
            app: app.clone(),
            id: state.id().as_uuid(),
            generation: 0,
            state,
        }
    }

    /// Number of bytes that are there.
    pub(crate) fn received(&self) -> u64 {
        self.state.received()
    }

    /// The row's version, by which [`store::remove`] knows it.
    pub(super) fn generation(&self) -> i64 {
        self.generation
    }

    /// Appends a body while the claim is kept alive. Whatever happens, `received` tells afterwards what is
    /// kept; with `last` it need not be durable before the upload is finished.
    pub(super) async fn append(&mut self, mut body: Incoming, last: bool) -> Result<()> {
        while !body.ended() {
            self.append_part(&mut body, last).await?;
            if !last && !body.ended() && !self.save(true).await? {
                return Err(busy());
            }
        }
        Ok(())
    }

    async fn append_part(&mut self, body: &mut Incoming, last: bool) -> Result<()> {
        let part = body.part(if last { u64::MAX } else { PART });
        let alive = KeepAlive::of(self);
        let options = AppendOptions { max_size: None, last };
        alive
            .during(self.app.blobs.append(&mut self.state, part, options))
            .await?
            .map(|_| ())
            .map_err(blob_error)
    }

    /// Makes a blob of the upload while the claim is kept alive: an object store may take minutes.
    pub(super) async fn finish(&self, digest: &Digest) -> Result<Result<StoredBlob, BlobError>> {
        KeepAlive::of(self)
            .during(self.app.blobs.finish(&self.state, digest))
            .await
    }

    /// Saves how far the upload is, and lets go of it unless `hold`. False where the claim was lost.
    pub(super) async fn save(&self, hold: bool) -> Result<bool> {
        let state = serde_json::to_value(&self.state).map_err(Error::internal)?;
        let bytes = i64::try_from(self.received()).map_err(Error::internal)?;
        let now = self.app.clock.now();
        let until = hold.then(|| now + CLAIM);
        let mut conn = self.app.pool.acquire().await?;
        store::save(&mut conn, now, self.id, self.generation, (bytes, &state), until).await
    }

    /// Saves and lets go; a claim that was lost is an error.
    pub(super) async fn release(&self) -> Result<()> {
        if self.save(false).await? {
            Ok(())
        } else {
            Err(busy())
        }
    }

    /// Gives the upload up: its bytes and its row go. What cannot be reached now, the expiry finds.
    pub(super) async fn abandon(&self) {
        if let Err(error) = self.try_abandon().await {
            tracing::warn!(upload = %self.id, ?error, "an upload could not be removed and is left to its expiry");
        }
    }

    /// As [`Self::abandon`], for callers that have to know.
    pub(crate) async fn try_abandon(&self) -> Result<()> {
        match self.app.blobs.abort(self.state.handle()).await {
            Ok(_) | Err(BlobError::NotFound | BlobError::UploadUnknown) => {}
            Err(error) => return Err(blob_error(error)),
        }
        let mut conn = self.app.pool.acquire().await?;
        store::remove(&mut conn, self.id, self.generation).await?;
        Ok(())
    }
}

/// Renews a claim while something is done.
struct KeepAlive {
    app: App,
    id: Uuid,
    generation: i64,
}

impl KeepAlive {
    fn of(claim: &Claim) -> Self {
        Self {
            app: claim.app.clone(),
            id: claim.id,
            generation: claim.generation,
        }
    }

    async fn during<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(work);
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.tick().await;
        loop {
            tokio::select! {
                outcome = &mut work => return Ok(outcome),
                _ = heartbeat.tick() => renew(&self.app, self.id, self.generation).await?,
            }
        }
    }
}

/// A database that does not answer for a moment does not end an upload; a claim that was lost does.
async fn renew(app: &App, id: Uuid, generation: i64) -> Result<()> {
    let now = app.clock.now();
    let renewed = async {
        let mut conn = app.pool.acquire().await?;
        store::renew(&mut conn, now, now + CLAIM, id, generation).await
    };
    match renewed.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(busy()),
        Err(error) => {
            tracing::warn!(upload = %id, ?error, "the claim on an upload could not be renewed");
            Ok(())
        }
    }
}

/// Somebody else writes to the upload.
pub(super) fn busy() -> Error {
    Error::new(
        Code::BlobUploadInvalid,
        "another request is writing to this upload, ask for its status and try again",
    )
    .with_status(axum::http::StatusCode::CONFLICT)
    .with_header(
        axum::http::header::RETRY_AFTER,
        axum::http::HeaderValue::from_static("1"),
    )
}
