//! Downloads of blobs: one for all who ask, whole and verified or not kept at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use chrono::TimeDelta;
use futures::StreamExt;
use futures::stream::BoxStream;
use slipway_blobs::UploadHandle;
use slipway_model::Digest;
use slipway_upstream::client::BlobOptions;
use tokio::sync::watch;
use uuid::Uuid;

use super::Place;
use super::pace::paced;
use super::remote::{self, Failure, Side};
use super::store::{self, Key};
use super::window::Window;
use crate::distribution::body::Incoming;
use crate::distribution::content::{self, Lease};
use crate::distribution::pull::store::{self as pulls, Found};
use crate::distribution::settings::LEASE;
use crate::distribution::upload::{self, PushTarget};
use crate::distribution::{push, retry};
use crate::error::{Code, Error};
use crate::features::quota;

/// How long a download holds without being renewed.
const HELD: TimeDelta = TimeDelta::seconds(15);
/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// How often those look who wait for another process's download.
const LOOK: Duration = Duration::from_millis(200);
/// The upstream's client knows when to give up; this is only a last resort.
const IDLE: Duration = Duration::from_secs(900);

/// Downloads of this process.
#[derive(Default)]
pub(super) struct Downloads(Arc<Mutex<HashMap<String, Arc<Download>>>>);

/// One of them.
pub(super) struct Download {
    progress: watch::Sender<Progress>,
    window: Mutex<Window>,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// The whole size, once it is known.
    pub(super) size: Option<u64>,
    /// Bytes that came in so far.
    pub(super) received: u64,
    /// How the store calls what came in.
    pub(super) upload: Option<UploadHandle>,
    /// How it ended.
    pub(super) end: Option<End>,
}

/// How a download ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// The repository has the blob.
    Stored,
    /// It may not be kept; whoever wants it gets it from the upstream.
    NotKept,
    /// It did not come whole.
    Failed(Failure),
}

impl Downloads {
    /// The download of a blob that is under way, or a new one. It goes on when nobody reads any more. `lost` is where the store
    /// should have it.
    pub(super) fn join(&self, place: &Place, digest: &Digest, lost: Option<String>) -> Arc<Download> {
        let key = place.key(digest);
        let mut running = lock(&self.0);
        if let Some(download) = running.get(&key) {
            return download.clone();
        }
        let download = Arc::new(Download {
            progress: watch::Sender::new(Progress::default()),
            window: Mutex::default(),
        });
        running.insert(key.clone(), download.clone());
        let ending = Ending {
            running: self.0.clone(),
            key,
            download: download.clone(),
        };
        let (place, digest) = (place.clone(), digest.clone());
        tokio::spawn(async move {
            let end = lead(&place, &digest, lost, &ending.download).await;
            let word = match &end {
                Ok(End::Stored) => "stored",
                Ok(_) => "not_kept",
                Err(failure) => failure.word(),
            };
            metrics::counter!("slipway_proxy_fetches_total", "kind" => "blob", "outcome" => word)
                .increment(1);
            ending.download.end(end.unwrap_or_else(End::Failed));
        });
        download
    }
}

impl Download {
    /// To follow it.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Bytes that came in lately, from `offset` on and before `limit`.
    pub(super) fn lately(&self, offset: u64, limit: u64) -> Option<Bytes> {
        lock(&self.window).get(offset, limit)
    }

    fn set_size(&self, size: Option<u64>) {
        if size.is_some() {
            self.progress.send_modify(|progress| progress.size = size);
        }
    }

    fn push(&self, piece: &Bytes) {
        lock(&self.window).push(piece.clone());
        self.progress
            .send_modify(|progress| progress.received += piece.len() as u64);
    }

    fn end(&self, end: End) {
        self.progress.send_modify(|progress| {
            progress.end.get_or_insert(end);
        });
    }
}

/// Takes a download off the list when it ends, also by a panic.
struct Ending {
    running: Arc<Mutex<HashMap<String, Arc<Download>>>>,
    key: String,
    download: Arc<Download>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.key);
        self.download.end(End::Failed(Failure::Ours(
            "a download ended without a word".to_owned(),
        )));
    }
}

/// Downloads, or waits while another process does.
async fn lead(
    place: &Place,
    digest: &Digest,
    lost: Option<String>,
    download: &Arc<Download>,
) -> Result<End, Failure> {
    let holder = Uuid::new_v4();
    let key = Key {
        project_id: place.project.id,
        repository: place.repository.as_str(),
        digest: digest.as_str(),
    };
    loop {
        let now = place.app.clock.now();
        let mut conn = place.app.pool.acquire().await?;
        let ours = store::claim(&mut conn, key, holder, now, now + HELD).await?;
        // Stored between the look that missed it and this one, or by the process that was waited for.
        let found = pulls::blob(&mut conn, key.project_id, key.repository, key.digest).await?;
        let there = matches!(&found, Found::Blob(row) if lost.as_ref() != Some(&row.storage_key));
        if there && ours {
            store::release(&mut conn, key, holder).await?;
        }
        if there {
            return Ok(End::Stored);
        }
        if ours {
            break;
        }
        let size = store::size(&mut conn, key).await?;
        download.set_size(size.and_then(|size| u64::try_from(size).ok()));
        drop(conn);
        tokio::time::sleep(LOOK).await;
    }
    let outcome = held(place, key, holder, download, fetch(place, digest, lost, download)).await;
    let mut conn = place.app.pool.acquire().await?;
    store::release(&mut conn, key, holder).await?;
    outcome
}

/// Does the work while the others are told that it goes on.
async fn held(
    place: &Place,
    key: Key<'_>,
    holder: Uuid,
    download: &Download,
    work: impl Future<Output = Result<End, Failure>>,
) -> Result<End, Failure> {
    tokio::pin!(work);
    let mut progress = download.progress();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.tick().await;
    let mut told = None;
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            _ = heartbeat.tick() => {}
            _ = progress.wait_for(|progress| progress.size != told) => {}
        }
        let size = download.progress.borrow().size;
        told = size;
        let until = place.app.clock.now() + HELD;
        let kept = async {
            let mut conn = place.app.pool.acquire().await?;
            store::keep(
                &mut conn,
                key,
                holder,
                until,
                size.and_then(|size| i64::try_from(size).ok()),
            )
            .await
        };
        match kept.await {
            Ok(true) => {}
            // Another process took over; whoever is later finds that the blob is there.
            Ok(false) => tracing::warn!(
                digest = key.digest,
                "a download was taken over by another process"
            ),
            Err(error) => tracing::warn!(digest = key.digest, ?error, "a download could not be renewed"),
        }
    }
}

async fn fetch(
    place: &Place,
    digest: &Digest,
    lost: Option<String>,
    download: &Arc<Download>,
) -> Result<End, Failure> {
    let side = remote::open(place).await?;
    if lost.is_none() && link(place, digest, &side).await? {
        return Ok(End::Stored);
    }
    let options = BlobOptions::default();
    let read = remote::patiently(side.upstream.get_blob(&side.name, digest, options)).await?;
    if !fits(place, read.size).await? {
        // Both at once: who waits for the size has to know that nothing follows.
        download.progress.send_modify(|progress| {
            (progress.size, progress.end) = (read.size, Some(End::NotKept));
        });
        return Ok(End::NotKept);
    }
    download.set_size(read.size);
    let broken = Arc::new(Mutex::new(None));
    let stream = paced(read.stream, place.settings.speed);
    let stream = noted(stream, &broken, download);
    let body = Incoming::new(Body::from_stream(stream), read.size, IDLE);
    let target = PushTarget {
        project: &place.project,
        repository: &place.repository,
    };
    let begun = |upload| {
        download
            .progress
            .send_modify(|progress| progress.upload = Some(upload));
    };
    let kept = upload::fetched(&place.app, target, body, digest, lost, begun).await;
    let failure = lock(&broken).take();
    match (kept, failure) {
        (Ok(()), _) => {
            complete(place, digest).await;
            Ok(End::Stored)
        }
        (Err(_), Some(failure)) => Err(failure),
        (Err(error), None) => match error.code() {
            Code::Denied | Code::StorageFull => Ok(End::NotKept),
            Code::DigestInvalid | Code::SizeInvalid => Err(Failure::Unusable(format!("{error:?}"))),
            _ => Err(Failure::ours(error)),
        },
    }
}

/// Lets those read along who follow, and keeps why the stream broke.
fn noted(
    stream: BoxStream<'static, slipway_upstream::Result<Bytes>>,
    broken: &Arc<Mutex<Option<Failure>>>,
    download: &Arc<Download>,
) -> BoxStream<'static, slipway_upstream::Result<Bytes>> {
    let (broken, download) = (broken.clone(), download.clone());
    let bytes = metrics::counter!("slipway_proxy_downloaded_bytes_total");
    stream
        .inspect(move |piece| match piece {
            Ok(piece) => {
                bytes.increment(piece.len() as u64);
                download.push(piece);
            }
            Err(error) => *lock(&broken) = Some(error.clone().into()),
        })
        .boxed()
}

/// A blob that the registry has already, for another repository, is not downloaded once more; but the upstream is asked whether
/// this repository has it.
async fn link(place: &Place, digest: &Digest, side: &Side) -> Result<bool, Failure> {
    {
        let mut conn = place.app.pool.acquire().await?;
        if content::store::lock_blob(&mut conn, digest).await?.is_none() {
            return Ok(false);
        }
    }
    if remote::patiently(side.upstream.has_blob(&side.name, digest))
        .await?
        .is_none()
    {
        return Ok(false);
    }
    let linked: Result<bool, Error> = retry::on_conflict!(async {
        let mut tx = place.app.pool.begin().await?;
        let lease = Lease::new(place.app.clock.now(), LEASE);
        let name = place.repository.as_str();
        let here = content::ensure_repository(&mut tx, lease.now(), place.project.id, name).await?;
        let Some(blob) = content::store::lock_blob(&mut tx, digest).await? else {
            return Ok(false);
        };
        content::grant(&mut tx, lease, here, digest, blob.size).await?;
        tx.commit().await?;
        Ok(true)
    });
    match linked {
        Ok(true) => {
            complete(place, digest).await;
            Ok(true)
        }
        // Refused by the quota: then it is passed on.
        Err(error) if error.code() == Code::Denied => Ok(false),
        outcome => Ok(outcome?),
    }
}

async fn fits(place: &Place, size: Option<u64>) -> Result<bool, Failure> {
    let Some(size) = size.and_then(|size| i64::try_from(size).ok()) else {
        return Ok(true);
    };
    let mut conn = place.app.pool.acquire().await?;
    Ok(quota::outlook(&mut conn, place.project.id, size).await?.is_ok())
}

/// The config of an image tells what the image is.
async fn complete(place: &Place, digest: &Digest) {
    if let Err(error) = push::complete(&place.app, place.project.id, place.repository.as_str(), digest).await
    {
        tracing::warn!(%digest, ?error, "the config of a cached image is not shown");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
