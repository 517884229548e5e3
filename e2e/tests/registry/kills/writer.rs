//! A client that pushes image after image and does not give up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use reqwest::{Body, StatusCode};

use super::REPOSITORY;
use crate::support::content::{Blob, Image};
use crate::support::random::Random;
use crate::support::trouble::{Trouble, accepted};
use crate::support::wire::Wire;

/// One push may be tried for this long: on a busy machine a database needs half a minute to come back.
const PATIENCE: Duration = Duration::from_secs(150);
/// Layers that all writers share, so that they get into each other's way.
const SHARED: u64 = 6;

/// What was acknowledged, and what was only begun.
#[derive(Default)]
pub(crate) struct Pushed {
    /// By tag; a tag that moved stands with its last image.
    pub(crate) tags: BTreeMap<String, Image>,
    /// Digests of uploads that were never finished.
    pub(crate) ghosts: Vec<String>,
    retries: usize,
}

impl Pushed {
    pub(crate) fn merge(&mut self, more: Self) {
        self.tags.extend(more.tags);
        self.ghosts.extend(more.ghosts);
        self.retries += more.retries;
    }

    pub(crate) fn summary(&self) -> String {
        let bytes: usize = self
            .tags
            .values()
            .flat_map(|image| &image.blobs)
            .map(|blob| blob.bytes.len())
            .sum();
        format!(
            "{} tags with {} MiB, {} uploads left open, {} attempts failed and were repeated",
            self.tags.len(),
            bytes >> 20,
            self.ghosts.len(),
            self.retries
        )
    }
}

pub(crate) struct Writer {
    number: u64,
    random: Random,
    wires: [Wire; 2],
    stop: Arc<AtomicBool>,
    shared: Vec<Blob>,
    /// Uploads that a failed attempt left open.
    open: HashMap<String, String>,
    pushed: Pushed,
}

impl Writer {
    pub(crate) fn new(number: u64, seed: u64, wires: [Wire; 2], stop: Arc<AtomicBool>) -> Self {
        let shared = (0..SHARED)
            .map(|n| Blob::new(Random::new(seed + n).bytes(40_000 << n.min(4))))
            .collect();
        let random = Random::new(seed ^ (number + 1).wrapping_mul(0x1000_0001));
        Self {
            number,
            random,
            wires,
            stop,
            shared,
            open: HashMap::new(),
            pushed: Pushed::default(),
        }
    }

    pub(crate) async fn run(mut self) -> Result<Pushed> {
        for n in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let image = self.image(n);
            self.push(&format!("w{}-{n}", self.number), &image).await?;
            if n % 3 == 0 {
                self.push(&format!("latest-{}", self.number), &image).await?;
            }
            if n % 4 == 0 {
                self.leave_open().await;
            }
        }
        Ok(self.pushed)
    }

    fn image(&mut self, n: u64) -> Image {
        let mut layers = Vec::new();
        for _ in 0..self.random.between(1, 4) {
            layers.push(match self.random.between(0, 10) {
                0..3 => self.shared[usize::try_from(self.random.between(0, SHARED)).unwrap_or(0)].clone(),
                3..9 => {
                    let size = self.random.between(3_000, 200_000);
                    Blob::new(self.random.bytes(size))
                }
                _ => {
                    let size = self.random.between(200_000, 2_000_000);
                    Blob::new(self.random.bytes(size))
                }
            });
        }
        Image::new(layers, &format!("{}-{n}", self.number))
    }

    /// Until it is acknowledged, at the one replica or the other.
    async fn push(&mut self, tag: &str, image: &Image) -> Result<()> {
        let began = Instant::now();
        let mut replica = usize::try_from(self.random.between(0, 2))?;
        loop {
            match self.attempt(replica, tag, image).await {
                Ok(()) => break,
                Err(Trouble::Wrong(what)) => bail!("{tag}: {what}"),
                Err(Trouble::Passing) => self.pushed.retries += 1,
            }
            if began.elapsed() > PATIENCE {
                bail!("{tag} could not be pushed within {PATIENCE:?}");
            }
            replica = 1 - replica;
            tokio::time::sleep(Duration::from_millis(self.random.between(20, 150))).await;
        }
        self.pushed.tags.insert(tag.to_owned(), image.clone());
        Ok(())
    }

    async fn attempt(&mut self, replica: usize, tag: &str, image: &Image) -> Result<(), Trouble> {
        let wire = self.wires[replica].clone();
        for blob in &image.blobs {
            match wire.head_blob(REPOSITORY, &blob.digest).await? {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND => self.upload(&wire, blob).await?,
                StatusCode::SERVICE_UNAVAILABLE => return Err(Trouble::Passing),
                other => return Err(Trouble::Wrong(format!("HEAD of a blob: {other}"))),
            }
        }
        let answer = wire.put_manifest(REPOSITORY, tag, image).await?;
        accepted(&answer, &[StatusCode::CREATED]).map(drop)
    }

    /// In one of the forms that clients use; what an earlier attempt left open is taken up again.
    async fn upload(&mut self, wire: &Wire, blob: &Blob) -> Result<(), Trouble> {
        if let Some(session) = self.open.remove(&blob.digest) {
            let status = accepted(&wire.get(&session).await?, &[StatusCode::NO_CONTENT])
                .map(|answer| answer.received())?;
            let from = status.map_err(|error| Trouble::Wrong(format!("{error:#}")))?;
            if from < blob.bytes.len() {
                accepted(
                    &wire.patch_at(&session, from, blob.bytes.slice(from..)).await?,
                    &[StatusCode::ACCEPTED],
                )?;
            }
            let answer = wire.finish(&session, &blob.digest, Body::default()).await?;
            return accepted(&answer, &[StatusCode::CREATED]).map(drop);
        }
        let form = self.random.between(0, 3);
        if form == 0 {
            return accepted(&wire.post_whole(REPOSITORY, blob).await?, &[StatusCode::CREATED]).map(drop);
        }
        let begun = wire.begin(REPOSITORY).await?;
        let session = accepted(&begun, &[StatusCode::ACCEPTED])?
            .header("location")
            .to_owned();
        self.open.insert(blob.digest.clone(), session.clone());
        let mut rest = blob.bytes.clone();
        if form == 2 {
            let middle = blob.bytes.len() / 2;
            accepted(
                &wire.patch_at(&session, 0, rest.split_to(middle)).await?,
                &[StatusCode::ACCEPTED],
            )?;
            accepted(
                &wire
                    .patch_at(&session, middle, rest.split_to(rest.len() / 2))
                    .await?,
                &[StatusCode::ACCEPTED],
            )?;
        }
        accepted(
            &wire.finish(&session, &blob.digest, rest).await?,
            &[StatusCode::CREATED],
        )?;
        self.open.remove(&blob.digest);
        Ok(())
    }

    /// Begins an upload and walks away.
    async fn leave_open(&mut self) {
        let size = self.random.between(1_000, 100_000);
        let ghost = Blob::new(self.random.bytes(size));
        let begin = async {
            let begun = self.wires[0].begin(REPOSITORY).await?;
            let session = begun.header("location").to_owned();
            self.wires[1]
                .patch(&session, ghost.bytes.clone())
                .await
                .context("patch")
        };
        // Whatever comes of it.
        drop(begin.await);
        self.pushed.ghosts.push(ghost.digest);
    }
}
