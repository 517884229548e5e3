//! Copies: what a reference stands for, with all that it points at and all that points at it.

use std::collections::HashSet;
use std::io;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use metrics::counter;
use serde_json::{Value, json};
use slipway_jobs::{JobContext, JobError};
use slipway_model::policy::{Platform, destination};
use slipway_model::{Descriptor, Digest, Manifest, Reference};

use super::fault::Fault;
use super::here::Here;
use super::order::Task;
use super::pace::Pace;
use super::rules;
use super::there::There;
use crate::kernel::app::App;

/// Blobs of one manifest that are transferred at once.
const BLOBS_AT_ONCE: usize = 3;
/// Signatures of signatures of signatures: beyond this depth nobody follows.
const DEEPEST: usize = 10;

/// A manifest as it stands somewhere.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) digest: Digest,
    pub(super) media_type: String,
    pub(super) bytes: Bytes,
}

impl Content {
    fn parsed(&self) -> Result<Manifest, Fault> {
        Manifest::parse(Some(&self.media_type), &self.bytes)
            .map_err(|error| Fault::lasting(format!("the manifest {}: {error}", self.digest)))
    }
}

/// One side of a replication.
pub(super) enum Side {
    Here(Here),
    There(There),
}

impl Side {
    async fn manifest(&self, reference: &Reference) -> Result<Option<Content>, Fault> {
        match self {
            Self::Here(here) => here.manifest(reference).await,
            Self::There(there) => there.manifest(reference).await,
        }
    }

    async fn head(&self, reference: &Reference) -> Result<Option<Digest>, Fault> {
        match self {
            Self::Here(here) => here.head(reference).await,
            Self::There(there) => there.head(reference).await,
        }
    }

    async fn kin(&self, digest: &Digest) -> Result<Vec<String>, Fault> {
        match self {
            Self::Here(here) => here.kin(digest).await,
            Self::There(there) => there.kin(digest).await,
        }
    }

    async fn put(&self, reference: &Reference, content: &Content, manifest: &Manifest) -> Result<(), Fault> {
        match self {
            Self::Here(here) => here.put(reference, content).await,
            Self::There(there) => there.put(reference, content, manifest).await,
        }
    }
}

/// Does the copies of a task.
pub(super) async fn run(app: &App, context: &JobContext, task: &Task) -> Result<(), JobError> {
    let source = match task.src_registry {
        None => Here::open(app, &task.source).await?.map(Side::Here),
        Some(id) => {
            let lists = task.lists_tags;
            Some(Side::There(There::open(app, id, &task.source, lists).await?))
        }
    };
    let Some(source) = source else {
        context.log(format!("{} is not there any more, nothing to copy", task.source));
        return Ok(());
    };
    let target = match task.dest_registry {
        None => Side::Here(Here::ensure(app, &task.target).await?),
        Some(id) => Side::There(There::open(app, id, &task.target, true).await?),
    };
    context.log(format!("copying {} to {}", task.source, task.target));
    let platforms = task.platforms.iter().map(|text| rules::platform(text));
    let platforms = platforms
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| JobError::fatal(error.explained()))?;
    let mut copier = Copier {
        context,
        task,
        source,
        target,
        platforms,
        pace: Pace::new(task.speed),
        done: HashSet::new(),
        followed: HashSet::new(),
        sent: 0,
    };
    let mut faults = Vec::new();
    for (place, reference) in task.references.iter().enumerate() {
        if let Err(fault) = copier.reference(reference).await {
            context.log(format!("{reference}: {fault}"));
            faults.push(fault);
        }
        context.progress(json!({"done": place + 1, "failed": faults.len(), "bytes": copier.sent}));
    }
    counter!("slipway_replication_bytes_total").increment(copier.sent);
    super::jobs::outcome(faults, task.references.len())
}

struct Copier<'a> {
    context: &'a JobContext,
    task: &'a Task,
    source: Side,
    target: Side,
    /// Empty: all.
    platforms: Vec<Platform>,
    pace: Pace,
    /// Digests that are at the destination with all that they point at.
    done: HashSet<Digest>,
    /// Digests of references whose kin were looked for.
    followed: HashSet<Digest>,
    /// Bytes of blobs.
    sent: u64,
}

impl Copier<'_> {
    /// Copies what a tag or digest stands for at this moment.
    async fn reference(&mut self, text: &str) -> Result<(), Fault> {
        let reference = Reference::parse(text).map_err(|error| Fault::lasting(error.to_string()))?;
        let Some(content) = self.source.manifest(&reference).await? else {
            self.context
                .log(format!("{text}: not at the source any more, skipped"));
            return Ok(());
        };
        if self.settle(&reference, &content).await? && self.followed.insert(content.digest.clone()) {
            self.kin(&content, 0).await?;
        }
        Ok(())
    }

    /// Sees to it that the reference stands for the content at the destination. False where it must not.
    async fn settle(&mut self, reference: &Reference, content: &Content) -> Result<bool, Fault> {
        let digest = &content.digest;
        match self.target.head(reference).await? {
            Some(there) if there == *digest => {
                self.context
                    .log(format!("{reference}: {digest} is there already"));
                return Ok(true);
            }
            Some(there) if !self.task.overwrite => {
                self.context.log(format!(
                    "{reference}: stands for {there} at the destination, and override is off: skipped"
                ));
                return Ok(false);
            }
            _ => {}
        }
        let manifest = content.parsed()?;
        self.parts(content, &manifest).await?;
        self.target.put(reference, content, &manifest).await?;
        self.context.log(format!("{reference}: copied {digest}"));
        Ok(true)
    }

    /// Copies what a manifest points at.
    async fn parts(&mut self, content: &Content, manifest: &Manifest) -> Result<(), Fault> {
        if !self.done.insert(content.digest.clone()) {
            return Ok(());
        }
        let outcome = self.copy_parts(content, manifest).await;
        if outcome.is_err() {
            self.done.remove(&content.digest);
        }
        outcome
    }

    async fn copy_parts(&mut self, content: &Content, manifest: &Manifest) -> Result<(), Fault> {
        if let Side::There(there) = &self.target {
            there.prepare().await?;
        }
        for child in self.wanted(content, manifest) {
            let reference = Reference::Digest(child.clone());
            if self.done.contains(&child) || self.target.head(&reference).await?.is_some() {
                continue;
            }
            let Some(below) = self.source.manifest(&reference).await? else {
                self.context.log(format!(
                    "{child}, a part of {}, is not at the source: left out",
                    content.digest
                ));
                continue;
            };
            let parsed = below.parsed()?;
            Box::pin(self.parts(&below, &parsed)).await?;
            self.target.put(&reference, &below, &parsed).await?;
        }
        let mut blobs: Vec<&Descriptor> = manifest.required_blobs().collect();
        blobs.sort_by(|a, b| a.digest.cmp(&b.digest));
        blobs.dedup_by(|a, b| a.digest == b.digest);
        let transfers: Vec<_> = blobs.into_iter().map(|blob| self.blob(blob)).collect();
        let sent: Vec<u64> = stream::iter(transfers)
            .buffer_unordered(BLOBS_AT_ONCE)
            .try_collect()
            .await?;
        self.sent += sent.iter().sum::<u64>();
        Ok(())
    }

    /// Transfers a blob unless it is there; says how many bytes that took.
    async fn blob(&self, blob: &Descriptor) -> Result<u64, Fault> {
        let size = u64::try_from(blob.size).unwrap_or(0);
        let digest = &blob.digest;
        match (&self.source, &self.target) {
            (Side::Here(here), Side::There(there)) => {
                if there.has_blob(digest).await? {
                    return Ok(0);
                }
                let mount_from = self.sibling(here, there, digest).await?;
                let content = here.content(digest, size, &self.pace);
                there
                    .send((digest, size), &content, mount_from, self.task.copy_by_chunk)
                    .await
            }
            (Side::There(there), Side::Here(here)) => {
                if here.obtain(digest).await? {
                    return Ok(0);
                }
                let read = there.read(digest, size).await?;
                let stop = self.context.token().clone().cancelled_owned();
                let bytes = self.pace.slow(read.stream.map_err(io::Error::other));
                // Whoever stores it works on when this task is dropped: without bytes it ends.
                here.write(digest, size, bytes.take_until(stop).boxed()).await?;
                Ok(size)
            }
            _ => Err(Fault::lasting("one side must be this registry")),
        }
    }

    /// Another repository at the destination that this policy fills and that has the blob, as far as can be said from here.
    async fn sibling(
        &self,
        here: &Here,
        there: &There,
        digest: &Digest,
    ) -> Result<Option<slipway_upstream::RemoteName>, Fault> {
        let task = self.task;
        for holder in here.holders(digest).await? {
            let Ok(name) = destination(&holder, &task.dest_namespace, task.replace_count.into()) else {
                continue;
            };
            let Ok(name) = there.remote.vendor.repository(&name) else {
                continue;
            };
            if name != there.name && name.namespace() == there.name.namespace() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Copies what refers to a manifest and to its parts, and what refers to that.
    async fn kin(&mut self, content: &Content, depth: usize) -> Result<(), Fault> {
        if depth >= DEEPEST {
            return Ok(());
        }
        let manifest = content.parsed()?;
        let mut digests = vec![content.digest.clone()];
        digests.extend(self.wanted(content, &manifest));
        for digest in digests {
            for text in self.source.kin(&digest).await? {
                let reference = Reference::parse(&text).map_err(|error| Fault::lasting(error.to_string()))?;
                let Some(kin) = self.source.manifest(&reference).await? else {
                    continue;
                };
                let is_new = !self.done.contains(&kin.digest);
                if self.settle(&reference, &kin).await? && is_new {
                    self.done.insert(kin.digest.clone());
                    Box::pin(self.kin(&kin, depth + 1)).await?;
                }
            }
        }
        Ok(())
    }

    /// The parts of an index that the platforms choose: those that fit, and the attestations of those.
    fn wanted(&self, content: &Content, manifest: &Manifest) -> Vec<Digest> {
        let all = || {
            manifest
                .children
                .iter()
                .map(|child| child.digest.clone())
                .collect()
        };
        if self.platforms.is_empty() || manifest.children.is_empty() {
            return all();
        }
        let document: Value = serde_json::from_slice(&content.bytes).unwrap_or_default();
        let Some(entries) = document["manifests"].as_array() else {
            return all();
        };
        let digest = |entry: &Value| entry["digest"].as_str().map(str::to_owned);
        let chosen: Vec<String> = entries
            .iter()
            .filter(|entry| self.fits(&entry["platform"]))
            .filter_map(digest)
            .collect();
        let attested = entries.iter().filter(|entry| {
            let of = entry["annotations"]["vnd.docker.reference.digest"].as_str();
            of.is_some_and(|of| chosen.iter().any(|digest| digest == of))
        });
        let attestations: Vec<String> = attested.filter_map(digest).collect();
        let is_wanted = |text: &str| chosen.iter().chain(&attestations).any(|digest| digest == text);
        manifest
            .children
            .iter()
            .map(|child| child.digest.clone())
            .filter(|digest| is_wanted(digest.as_str()))
            .collect()
    }

    fn fits(&self, platform: &Value) -> bool {
        self.platforms.iter().any(|wanted| {
            platform["os"] == wanted.os.as_str()
                && platform["architecture"] == wanted.architecture.as_str()
                && wanted
                    .variant
                    .as_ref()
                    .is_none_or(|variant| platform["variant"] == variant.as_str())
        })
    }
}
