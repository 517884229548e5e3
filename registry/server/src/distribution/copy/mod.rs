//! Copies of manifests from one repository to another: rows only, no byte of a blob moves.
//!
//! With a manifest come the children of an index and everything that refers to any of them, however deep. Locks
//! are taken in the order of [`content`], those of the source (shared) before those of the target.

mod store;
mod tags;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use slipway_model::policy::TagChange;
use slipway_model::{Digest, RepositoryName};
use sqlx::PgConnection;

use self::tags::Wish;
use super::content::{self, Place};
use super::push::{Arrival, store as rows};
use crate::error::{Error, Result};
use crate::features::immutable;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;

/// How often a copy looks again at what changes under its hands.
const TRIES: u32 = 5;

/// What is to be copied, and where to.
pub(crate) struct Order<'a> {
    /// The repository that has it.
    pub(crate) source: Place,
    /// That repository's name.
    pub(crate) source_name: &'a RepositoryName,
    /// The manifest.
    pub(crate) digest: &'a str,
    /// The target's project.
    pub(crate) project_id: i64,
    /// The target, which is made where it is not there.
    pub(crate) repository: &'a RepositoryName,
    /// Which tags are set.
    pub(crate) tags: Tags<'a>,
}

/// Which tags a copy sets on the manifest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tags<'a> {
    /// This one, also where it stands on another manifest.
    One(&'a str),
    /// Those of the source that the target does not have.
    Free,
    /// All of the source's, also where they stand on other manifests.
    All,
}

/// What is copied, locked in the source.
struct Tree {
    /// Sorted.
    manifests: Vec<String>,
    /// The blobs of these manifests that the source has, sorted.
    blobs: Vec<rows::LinkRow>,
}

/// Copies, in the caller's transaction; false where the source does not have the manifest (any more).
pub(crate) async fn copy(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    order: &Order<'_>,
) -> Result<bool> {
    let now = app.clock.now();
    let target = content::ensure_repository(conn, now, order.project_id, order.repository.as_str()).await?;
    let Some(tree) = hold(conn, order).await? else {
        return Ok(false);
    };
    let linked = link(conn, now, target, &tree.blobs).await?;
    let fresh = store_manifests(conn, now, order.source, target, &tree.manifests).await?;
    let sizes: Vec<(String, i64)> = fresh
        .iter()
        .map(|manifest| (manifest.digest.clone(), manifest.size))
        .collect();
    // One after the other: somebody may have pushed a manifest as a blob too.
    count(conn, target.project_id, &linked).await?;
    count(conn, target.project_id, &sizes).await?;
    let wishes = tags::wishes(conn, order, &tree.manifests).await?;
    let set = tags::set(conn, now, target, &wishes).await?;
    let moved: Vec<&str> = set
        .iter()
        .filter(|set| set.moved)
        .map(|set| set.wish.tag.as_str())
        .collect();
    if let Some(held) = immutable::hold(conn, target, &moved, TagChange::Move).await? {
        return Err(held.refused());
    }
    let set: Vec<&Wish> = set.iter().map(|set| set.wish).collect();
    if !(fresh.is_empty() && set.is_empty()) {
        tell(conn, app, ctx, order, &fresh, &set).await?;
    }
    rows::touch_repository(conn, now, target.repository_id).await?;
    Ok(true)
}

/// Finds everything that goes along, and locks it against removal.
async fn hold(conn: &mut PgConnection, order: &Order<'_>) -> Result<Option<Tree>> {
    let source = order.source.repository_id;
    for _ in 0..TRIES {
        let manifests = store::tree(conn, source, order.digest).await?;
        if manifests.is_empty() {
            return Ok(None);
        }
        let blobs = store::blobs(conn, source, &manifests).await?;
        let blobs = rows::lock_links(conn, source, &blobs).await?;
        if rows::lock_children(conn, source, &manifests).await?.len() == manifests.len() {
            return Ok(Some(Tree { manifests, blobs }));
        }
    }
    Err(changing(order.source_name))
}

/// Lets the target read the blobs; returns those that begin to count against its project with this.
async fn link(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    target: Place,
    blobs: &[rows::LinkRow],
) -> Result<Vec<(String, i64)>> {
    let digests: Vec<String> = blobs.iter().map(|blob| blob.digest.clone()).collect();
    let mut counting = HashSet::new();
    for _ in 0..TRIES {
        counting.extend(store::insert_links(conn, now, target.repository_id, &digests).await?);
        let held = rows::lock_links(conn, target.repository_id, &digests).await?;
        if held.len() < digests.len() {
            continue;
        }
        let uncounted: Vec<String> = held
            .into_iter()
            .filter(|link| !link.counted)
            .map(|link| link.digest)
            .collect();
        counting.extend(rows::mark_counted(conn, target.repository_id, &uncounted).await?);
        return Ok(blobs
            .iter()
            .filter(|blob| counting.contains(&blob.digest))
            .map(|blob| (blob.digest.clone(), blob.size))
            .collect());
    }
    Err(Error::unavailable("the links of the copy's target keep changing"))
}

/// Puts the manifests into the target; returns those that it did not have.
async fn store_manifests(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    source: Place,
    target: Place,
    digests: &[String],
) -> Result<Vec<store::FreshRow>> {
    let (source, target) = (source.repository_id, target.repository_id);
    let mut fresh = Vec::new();
    for _ in 0..TRIES {
        let new = store::insert_manifests(conn, now, source, target, digests).await?;
        let ids: Vec<i64> = new.iter().map(|manifest| manifest.id).collect();
        store::insert_references(conn, source, &ids).await?;
        fresh.extend(new);
        if rows::lock_children(conn, target, digests).await?.len() == digests.len() {
            return Ok(fresh);
        }
    }
    Err(Error::unavailable(
        "the manifests of the copy's target keep changing",
    ))
}

async fn count(conn: &mut PgConnection, project_id: i64, counting: &[(String, i64)]) -> Result<()> {
    let digests: Result<Vec<Digest>> = counting
        .iter()
        .map(|(digest, _)| Digest::parse(digest).map_err(Error::internal))
        .collect();
    let digests = digests?;
    let sizes = counting.iter().map(|(_, size)| *size);
    let content: Vec<_> = digests.iter().zip(sizes).collect();
    content::count(conn, project_id, &content).await
}

fn changing(repository: &RepositoryName) -> Error {
    Error::unavailable(format!("{repository} keeps changing while it is copied from"))
}

/// Audit and events, in the same transaction: a copy is a push for whoever listens.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
    ctx: &Context,
    order: &Order<'_>,
    fresh: &[store::FreshRow],
    set: &[&Wish],
) -> Result<()> {
    let (now, project, repository) = (app.clock.now(), Some(order.project_id), order.repository);
    let own_tag = set.iter().find(|wish| wish.digest == order.digest);
    let by_digest = format!("{repository}@{}", order.digest);
    let from = format!("{}@{}", order.source_name, order.digest);
    let entry = AuditEntry {
        project_id: project,
        resource: own_tag.map_or(by_digest, |wish| format!("{repository}:{}", wish.tag)),
        resource_type: "artifact".to_owned(),
        operation: "create".to_owned(),
        description: format!("copy artifact: {from} to {repository}"),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    let mut digests: Vec<&str> = fresh.iter().map(|manifest| manifest.digest.as_str()).collect();
    digests.extend(set.iter().map(|wish| wish.digest.as_str()));
    digests.sort_unstable();
    digests.dedup();
    let digests: Vec<String> = digests.into_iter().map(str::to_owned).collect();
    for manifest in store::described(conn, repository.as_str(), &digests).await? {
        let tags: Vec<&str> = set
            .iter()
            .filter(|wish| wish.digest == manifest.digest)
            .map(|wish| wish.tag.as_str())
            .collect();
        let arrival = Arrival {
            project_id: order.project_id,
            repository: repository.as_str(),
            digest: &manifest.digest,
            tags: &tags,
            media_type: &manifest.media_type,
            artifact_type: manifest.artifact_type.as_deref(),
            subject: manifest.subject_digest.as_deref(),
            new: fresh.iter().any(|new| new.digest == manifest.digest),
            copied_from: Some(order.source_name.as_str()),
        };
        arrival.publish(conn, now, ctx).await?;
    }
    Ok(())
}
