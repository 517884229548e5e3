//! A client with two repositories of a project, which does everything that clients do and does not give up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use bytes::Bytes;
use reqwest::{Method, StatusCode};

use super::ledger::Ledger;
use crate::support::content::{Blob, Image, digest};
use crate::support::random::Random;
use crate::support::trouble::{Attempt, Trouble, accepted};
use crate::support::wire::Wire;

/// One operation may be tried for this long: on a busy machine a database needs half a minute to come back.
const PATIENCE: Duration = Duration::from_secs(150);
/// What is acknowledged at one replica is seen at the other within a second.
const COHERENT: Duration = Duration::from_millis(1_000);
/// Layers that all clients of a project share.
const SHARED: u64 = 5;
/// So many images a repository at most, so that the soak can go on for hours.
const MOST_IMAGES: usize = 60;

pub(crate) struct Tenant {
    number: usize,
    random: Random,
    wires: [Wire; 2],
    stop: Arc<AtomicBool>,
    repositories: [String; 2],
    shared: Vec<Blob>,
    ledger: Ledger,
    /// Where and when a tag was last written or deleted.
    written: BTreeMap<(String, String), (usize, Instant)>,
}

impl Tenant {
    pub(crate) fn new(
        number: usize,
        project: &str,
        seed: u64,
        wires: [Wire; 2],
        stop: Arc<AtomicBool>,
    ) -> Self {
        let shared = (0..SHARED)
            .map(|n| Blob::new(Random::new(seed + n).bytes(30_000 << n)))
            .collect();
        Self {
            number,
            random: Random::new(seed ^ (number as u64 + 1).wrapping_mul(0x1000_0001)),
            wires,
            stop,
            repositories: ["app", "copy"].map(|name| format!("{project}/{name}-{number}")),
            shared,
            ledger: Ledger::default(),
            written: BTreeMap::new(),
        }
    }

    pub(crate) async fn run(mut self) -> Result<Ledger> {
        for n in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let repository = self.repositories[usize::try_from(self.random.between(0, 2))?].clone();
            let full = self
                .ledger
                .images
                .get(&repository)
                .is_some_and(|images| images.len() >= MOST_IMAGES);
            match self.random.between(0, 100) {
                _ if full => self.delete_by_digest(&repository).await?,
                0..35 => self.push_new(&repository, &format!("v{n}")).await?,
                35..45 => self.push_new(&repository, "latest").await?,
                45..60 => self.copy_by_mount(&format!("c{n}")).await?,
                60..70 => self.delete_by_tag(&repository).await?,
                70..80 => self.delete_by_digest(&repository).await?,
                _ => self.pull(&repository).await?,
            }
        }
        Ok(self.ledger)
    }

    fn new_image(&mut self, comment: &str) -> Image {
        let mut layers = Vec::new();
        for _ in 0..self.random.between(1, 4) {
            layers.push(if self.random.between(0, 3) == 0 {
                let which = self.random.between(0, SHARED);
                self.shared[usize::try_from(which).unwrap_or(0)].clone()
            } else {
                let size = self.random.between(1_000, 300_000);
                Blob::new(self.random.bytes(size))
            });
        }
        Image::new(layers, comment)
    }

    /// A random tag of the repository, if there is any.
    fn pick(&mut self, repository: &str) -> Option<(String, Image)> {
        let tags = self.ledger.of(repository);
        let which = usize::try_from(self.random.between(0, tags.len().max(1) as u64)).ok()?;
        tags.into_iter().nth(which)
    }

    async fn push_new(&mut self, repository: &str, tag: &str) -> Result<()> {
        let comment = format!("{}-{tag}-{}", self.number, self.random.next());
        let image = self.new_image(&comment);
        let replica = self
            .insist(&Operation::Push(repository, tag, &image, None))
            .await?;
        self.wrote(repository, tag, replica);
        self.ledger.set(repository, tag, image);
        self.ledger.count("pushes");
        Ok(())
    }

    /// From the first repository into the second, or the other way.
    async fn copy_by_mount(&mut self, tag: &str) -> Result<()> {
        let way = usize::try_from(self.random.between(0, 2))?;
        let (from, to) = (self.repositories[way].clone(), self.repositories[1 - way].clone());
        let Some((_, image)) = self.pick(&from) else {
            return Ok(());
        };
        let replica = self
            .insist(&Operation::Push(&to, tag, &image, Some(&from)))
            .await?;
        self.wrote(&to, tag, replica);
        self.ledger.set(&to, tag, image);
        self.ledger.count("copies");
        Ok(())
    }

    async fn delete_by_tag(&mut self, repository: &str) -> Result<()> {
        let Some((tag, _)) = self.pick(repository) else {
            return Ok(());
        };
        let replica = self.insist(&Operation::Delete(repository, &tag)).await?;
        self.wrote(repository, &tag, replica);
        if let Some(tags) = self.ledger.tags.get_mut(repository) {
            tags.remove(&tag);
        }
        self.ledger.count("tags deleted");
        Ok(())
    }

    /// One with tags, which go along, or one that lost them.
    async fn delete_by_digest(&mut self, repository: &str) -> Result<()> {
        let images = self.ledger.images.get(repository).cloned().unwrap_or_default();
        let which = usize::try_from(self.random.between(0, images.len().max(1) as u64))?;
        let Some(image) = images.into_values().nth(which) else {
            return Ok(());
        };
        let replica = self.insist(&Operation::Delete(repository, &image.digest)).await?;
        let gone = self.ledger.delete_image(repository, &image.digest);
        for tag in gone {
            self.wrote(repository, &tag, replica);
        }
        self.ledger.count("images deleted");
        Ok(())
    }

    /// A tag that is there, or one that was deleted: at a replica that must know.
    async fn pull(&mut self, repository: &str) -> Result<()> {
        let known: Vec<_> = self
            .written
            .iter()
            .filter(|((of, _), _)| of == repository)
            .map(|((_, tag), written)| (tag.clone(), *written))
            .collect();
        if known.is_empty() {
            return Ok(());
        }
        let which = usize::try_from(self.random.between(0, known.len() as u64))?;
        let (tag, (replica, when)) = known[which].clone();
        let replica = if when.elapsed() > COHERENT {
            usize::try_from(self.random.between(0, 2))?
        } else {
            replica
        };
        let expected = self.ledger.of(repository).remove(&tag);
        let wire = self.wires[replica].clone();
        match read(&wire, repository, &tag, expected.as_ref()).await {
            Ok(()) => self.ledger.count("pulls"),
            Err(Trouble::Passing) => self.ledger.count("pulls cut by a kill"),
            Err(Trouble::Wrong(what)) => bail!("{repository}:{tag} at replica {replica}: {what}"),
        }
        Ok(())
    }

    fn wrote(&mut self, repository: &str, tag: &str, replica: usize) {
        self.written
            .insert((repository.to_owned(), tag.to_owned()), (replica, Instant::now()));
    }

    /// Until it is acknowledged, at the one replica or the other; tells which.
    async fn insist(&mut self, operation: &Operation<'_>) -> Result<usize> {
        let began = Instant::now();
        let mut replica = usize::try_from(self.random.between(0, 2))?;
        let mut again = false;
        loop {
            match operation.attempt(&self.wires[replica], again).await {
                Ok(()) => return Ok(replica),
                Err(Trouble::Wrong(answer)) => bail!("{operation}: {answer}"),
                Err(Trouble::Passing) => self.ledger.count("attempts repeated"),
            }
            if began.elapsed() > PATIENCE {
                bail!("{operation} could not be done within {PATIENCE:?}");
            }
            again = true;
            replica = 1 - replica;
            tokio::time::sleep(Duration::from_millis(self.random.between(20, 150))).await;
        }
    }
}

/// A write; it may be repeated.
enum Operation<'a> {
    /// Repository, tag, image, where to mount its blobs from.
    Push(&'a str, &'a str, &'a Image, Option<&'a str>),
    /// Repository; tag or digest.
    Delete(&'a str, &'a str),
}

impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(repository, tag, _, _) => write!(f, "push of {repository}:{tag}"),
            Self::Delete(repository, reference) => write!(f, "deletion of {repository} {reference}"),
        }
    }
}

impl Operation<'_> {
    /// Once; `again` when an attempt without an answer may have done it already.
    async fn attempt(&self, wire: &Wire, again: bool) -> Attempt<()> {
        match *self {
            Self::Push(repository, tag, image, from) => {
                for blob in &image.blobs {
                    give(wire, repository, blob, from).await?;
                }
                let answer = wire.put_manifest(repository, tag, image).await?;
                accepted(&answer, &[StatusCode::CREATED]).map(drop)
            }
            Self::Delete(repository, reference) => {
                let path = format!("/v2/{repository}/manifests/{reference}");
                let answer = wire.send(wire.request(Method::DELETE, &path)).await?;
                if again && answer.status == StatusCode::NOT_FOUND {
                    return Ok(());
                }
                accepted(&answer, &[StatusCode::ACCEPTED]).map(drop)
            }
        }
    }
}

/// Makes sure that the repository has the blob, as clients do: ask, else mount, else upload.
async fn give(wire: &Wire, repository: &str, blob: &Blob, from: Option<&str>) -> Attempt<()> {
    match wire.head_blob(repository, &blob.digest).await? {
        StatusCode::OK => return Ok(()),
        StatusCode::NOT_FOUND => {}
        StatusCode::SERVICE_UNAVAILABLE => return Err(Trouble::Passing),
        other => return Err(Trouble::Wrong(format!("HEAD of a blob: {other}"))),
    }
    let begun = match from {
        None => wire.begin(repository).await?,
        Some(from) => {
            let path = format!(
                "/v2/{repository}/blobs/uploads/?mount={}&from={from}",
                blob.digest
            );
            wire.send(wire.request(Method::POST, &path).header("content-length", 0))
                .await?
        }
    };
    let begun = accepted(&begun, &[StatusCode::CREATED, StatusCode::ACCEPTED])?;
    if begun.status == StatusCode::CREATED {
        return Ok(());
    }
    let session = begun.header("location").to_owned();
    let middle = blob.bytes.len() / 2;
    accepted(
        &wire.patch_at(&session, 0, blob.bytes.slice(..middle)).await?,
        &[StatusCode::ACCEPTED],
    )?;
    accepted(
        &wire
            .finish(&session, &blob.digest, blob.bytes.slice(middle..))
            .await?,
        &[StatusCode::CREATED],
    )
    .map(drop)
}

/// The tag is what it must be, whole.
async fn read(wire: &Wire, repository: &str, tag: &str, expected: Option<&Image>) -> Attempt<()> {
    let path = format!("/v2/{repository}/manifests/{tag}");
    let manifest = wire.get(&path).await?;
    let Some(image) = expected else {
        return accepted(&manifest, &[StatusCode::NOT_FOUND]).map(drop);
    };
    accepted(&manifest, &[StatusCode::OK])?;
    if digest(&manifest.body) != image.digest {
        return Err(Trouble::Wrong(format!(
            "{} instead of {}",
            digest(&manifest.body),
            image.digest
        )));
    }
    for blob in &image.blobs {
        let path = format!("/v2/{repository}/blobs/{}", blob.digest);
        let found = wire.get(&path).await?;
        let body: &Bytes = &accepted(&found, &[StatusCode::OK])?.body;
        if *body != blob.bytes {
            return Err(Trouble::Wrong(format!(
                "{} has another content ({} bytes)",
                blob.digest,
                body.len()
            )));
        }
    }
    Ok(())
}
