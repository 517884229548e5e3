//! `PUT blobs/uploads/<id>?digest=`: the upload becomes a blob. And the single `POST` that does everything.

use slipway_blobs::{StoredBlob, UploadHandle, UploadState};
use slipway_model::{Algorithm, Digest};
use sqlx::PgConnection;

use super::append::check_start;
use super::claim::{CLAIM, Claim};
use super::range::ChunkRange;
use super::store::Arrived;
use super::{PushTarget, Session, blob_error, store};
use crate::distribution::body::Incoming;
use crate::distribution::content::{self, Lease};
use crate::distribution::settings::LEASE;
use crate::distribution::{garbage, retry};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;

/// Appends the rest of the bytes, if the request brings any, and closes the upload.
pub(crate) async fn finish(
    app: &App,
    session: &Session<'_>,
    range: Option<ChunkRange>,
    body: Option<Incoming>,
    digest: &Digest,
) -> Result<()> {
    let mut claim = Claim::take(app, session, Some(digest.as_str())).await?;
    check_start(&claim, range).await?;
    let owned = Owned::new(app, session.target, digest);
    let work = tokio::spawn(async move {
        let before = claim.state.clone();
        if let Some(body) = body
            && let Err(error) = claim.append(body, true).await
        {
            claim.release().await?;
            return Err(error);
        }
        owned.close(&mut claim, before).await
    });
    work.await.map_err(Error::internal)?
}

/// What a `POST` with a digest came to.
pub(crate) enum Monolithic<'a> {
    /// The blob is there.
    Finished,
    /// There was no body: a session was begun instead, as the specification has it.
    Begun(Session<'a>),
}

/// `POST blobs/uploads/?digest=` with the whole blob as its body.
pub(crate) async fn monolithic<'a>(
    app: &App,
    target: PushTarget<'a>,
    body: Incoming,
    digest: &Digest,
) -> Result<Monolithic<'a>> {
    let (session, mut claim) = held(app, target, digest).await?;
    let owned = Owned::new(app, target, digest);
    let work = tokio::spawn(async move {
        let before = claim.state.clone();
        if let Err(error) = claim.append(body, true).await {
            claim.abandon().await;
            return Err(error);
        }
        if claim.received() == 0 && !is_of_nothing(&owned.digest) {
            claim.release().await?;
            return Ok(false);
        }
        owned.close(&mut claim, before).await.map(|()| true)
    });
    match work.await.map_err(Error::internal)?? {
        true => Ok(Monolithic::Finished),
        false => Ok(Monolithic::Begun(session)),
    }
}

/// What comes from elsewhere becomes a blob, as if it had been pushed in one request. Who reads along is told by `begun` how the
/// store calls it meanwhile. `lost` is the key of an object that is missing in the store: the new one takes its place.
pub(crate) async fn fetched(
    app: &App,
    target: PushTarget<'_>,
    body: Incoming,
    digest: &Digest,
    lost: Option<String>,
    begun: impl FnOnce(UploadHandle),
) -> Result<()> {
    let (_, mut claim) = held(app, target, digest).await?;
    begun(claim.state.handle().clone());
    let mut owned = Owned::new(app, target, digest);
    owned.lost = lost;
    let before = claim.state.clone();
    if let Err(error) = claim.append(body, true).await {
        claim.abandon().await;
        return Err(error);
    }
    owned.close(&mut claim, before).await
}

/// A new upload that is held from the start and is to get this digest.
async fn held<'a>(app: &App, target: PushTarget<'a>, digest: &Digest) -> Result<(Session<'a>, Claim)> {
    let state = app.blobs.begin(digest.algorithm()).await.map_err(blob_error)?;
    let session = Session::new(target, state.id().as_uuid());
    let saved = serde_json::to_value(&state).map_err(Error::internal)?;
    let now = app.clock.now();
    let mut conn = app.pool.acquire().await?;
    let finishing = Some(digest.as_str());
    store::insert(
        &mut conn,
        now,
        &session.key(),
        &saved,
        Some(now + CLAIM),
        finishing,
    )
    .await?;
    Ok((session, Claim::fresh(app, state)))
}

/// Is this the digest of no bytes at all?
fn is_of_nothing(digest: &Digest) -> bool {
    *digest == Digest::of(digest.algorithm(), b"")
}

/// What closing needs, for a task that outlives its request.
struct Owned {
    app: App,
    project_id: i64,
    repository: String,
    digest: Digest,
    /// An object of this digest that is missing in the store.
    lost: Option<String>,
}

impl Owned {
    fn new(app: &App, target: PushTarget<'_>, digest: &Digest) -> Self {
        Self {
            app: app.clone(),
            project_id: target.project.id,
            repository: target.repository.to_string(),
            digest: digest.clone(),
            lost: None,
        }
    }

    /// Compares the digest, makes the object and registers it. `before` is the state from before this request's bytes: what
    /// the store has not finished need not be durable, so a client that tries again sends them again.
    async fn close(&self, claim: &mut Claim, before: UploadState) -> Result<()> {
        let app = &self.app;
        let stored = match claim.finish(&self.digest).await? {
            Ok(stored) => stored,
            Err(error) => {
                claim.state = before;
                // Wrong bytes stay wrong: the session ends. Anything else the client may try again.
                let error = blob_error(error);
                if error.code() == Code::DigestInvalid {
                    claim.abandon().await;
                } else if let Err(release) = claim.release().await {
                    tracing::warn!(?release, "an upload could not be let go");
                }
                return Err(error);
            }
        };
        let registered = retry::on_conflict!(async {
            let mut tx = app.pool.begin().await?;
            let ours = self.register(&mut tx, claim, &stored).await?;
            tx.commit().await?;
            Ok(ours)
        });
        match registered {
            Ok(true) => Ok(()),
            // The digest was there already: the other object stays, this one goes.
            Ok(false) => {
                garbage::sweep(app, stored.key.as_str()).await;
                Ok(())
            }
            Err(error) => {
                // Refused for good, so nothing of it stays. Where the outcome is not known, or the database
                // away, the row stays: the client may repeat the request, or the expiry finds the object.
                if error.code() == Code::Denied
                    && let Err(error) = self.discard(claim, &stored).await
                {
                    tracing::warn!(upload = %claim.id, ?error, "a refused upload is left to its expiry");
                }
                Err(error)
            }
        }
    }

    /// Removes a finished object that was refused. The session's row goes first: who removes that row is
    /// the only one who may decide about the object.
    async fn discard(&self, claim: &Claim, stored: &StoredBlob) -> Result<()> {
        let mut tx = self.app.pool.begin().await?;
        if store::remove(&mut tx, claim.id, claim.generation()).await? {
            let size = i64::try_from(stored.size).map_err(Error::internal)?;
            let now = self.app.clock.now();
            garbage::store::doom(&mut tx, now, stored.key.as_str(), self.digest.as_str(), size).await?;
            tx.commit().await?;
            garbage::sweep(&self.app, stored.key.as_str()).await;
        }
        Ok(())
    }

    /// One transaction: blob, link, count, review; the session's row goes with it.
    async fn register(&self, conn: &mut PgConnection, claim: &Claim, stored: &StoredBlob) -> Result<bool> {
        let lease = Lease::new(self.app.clock.now(), LEASE);
        let size = i64::try_from(stored.size).map_err(Error::internal)?;
        let (digest, key) = (&self.digest, stored.key.as_str());
        let arrived = Arrived {
            project_id: self.project_id,
            repository: &self.repository,
            digest: digest.as_str(),
            size,
            storage_key: key,
        };
        let upload = (claim.id, claim.generation());
        if let Some(done) = store::register(conn, lease, upload, &arrived).await? {
            if !done.removed {
                return Err(super::unknown());
            }
            if !done.counted {
                content::count(conn, self.project_id, &[(digest, size)]).await?;
            }
            return Ok(true);
        }
        let place = content::ensure_repository(conn, lease.now(), self.project_id, &self.repository).await?;
        let mut ours = content::store::keep_blob(conn, lease.now(), digest, size, key).await?;
        if let (false, Some(lost)) = (ours, &self.lost) {
            ours = content::store::replace_object(conn, digest, lost, key).await?;
        }
        content::grant(conn, lease, place, digest, size).await?;
        if !ours {
            garbage::store::doom(conn, lease.now(), key, digest.as_str(), size).await?;
        }
        if !store::remove(conn, claim.id, claim.generation()).await? {
            return Err(super::unknown());
        }
        Ok(ours)
    }
}

/// The algorithm that a query names, or SHA-256.
pub(crate) fn algorithm(name: Option<&str>) -> Result<Algorithm> {
    name.map_or(Ok(Algorithm::Sha256), Algorithm::parse)
        .map_err(|error| Error::new(Code::DigestInvalid, error.to_string()))
}
