//! Removals. What they leave over waits for garbage collection; nothing is deleted from the store here.
//!
//! The management API removes by the same two functions, [`remove_manifest`] and [`remove_repository`], so
//! that counts, reviews and leases are kept in one place.

mod request;
mod store;

pub(crate) use request::{blob, manifest, tag};

use chrono::{DateTime, TimeDelta, Utc};
use slipway_model::policy::TagChange;
use sqlx::PgConnection;

use super::content::{self, Place};
use crate::error::Result;
use crate::features::immutable::{self, Hold};

/// What the removal of a manifest came to.
#[derive(Debug)]
pub(crate) enum Removal {
    /// It is gone, and its tags with it.
    Done {
        /// The tags that stood on it, sorted.
        tags: Vec<String>,
    },
    /// It was not there (any more).
    Absent,
    /// An index of the repository refers to it; nothing was changed.
    ChildOf(String),
    /// A rule of the project holds one of its tags; nothing was changed.
    Held(Hold),
}

/// Removes a manifest with its tags, stops counting what only it referred to and puts that up for review.
pub(crate) async fn remove_manifest(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    grace: TimeDelta,
    place: Place,
    digest: &str,
) -> Result<Removal> {
    let repository_id = place.repository_id;
    let blobs = store::blobs_of(conn, repository_id, digest).await?;
    store::lock_links(conn, repository_id, &blobs).await?;
    let Some(id) = store::lock_manifest(conn, repository_id, digest).await? else {
        return Ok(Removal::Absent);
    };
    if let Some(parent) = store::parent_of(conn, repository_id, digest).await? {
        return Ok(Removal::ChildOf(parent));
    }
    let tags = store::tags_of(conn, id).await?;
    if let Some(hold) = held(conn, place, &tags).await? {
        return Ok(Removal::Held(hold));
    }
    store::delete_manifest(conn, id).await?;
    let orphans = store::orphans(conn, repository_id, &blobs).await?;
    let digests: Vec<String> = orphans.iter().map(|orphan| orphan.digest.clone()).collect();
    store::release(conn, repository_id, &digests, now + grace).await?;
    let mut uncounted: Vec<String> = orphans
        .into_iter()
        .filter(|orphan| orphan.counted)
        .map(|orphan| orphan.digest)
        .collect();
    uncounted.push(digest.to_owned());
    content::uncount(conn, place.project_id, &uncounted).await?;
    content::store::review(conn, &digests, now + grace).await?;
    store::touch_repository(conn, now, repository_id).await?;
    Ok(Removal::Done { tags })
}

/// A tag of the repository that a rule of the project holds. The repository is locked: until the end of the
/// transaction no tag comes to it.
pub(crate) async fn held_tag(conn: &mut PgConnection, place: Place) -> Result<Option<Hold>> {
    if !store::lock_repository(conn, place.repository_id).await? {
        return Ok(None);
    }
    let tags = store::all_tags(conn, place.repository_id).await?;
    held(conn, place, &tags).await
}

async fn held(conn: &mut PgConnection, place: Place, tags: &[String]) -> Result<Option<Hold>> {
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    immutable::hold(conn, place, &tags, TagChange::Delete).await
}

/// Removes a repository with everything in it, whatever rules hold there: see [`held_tag`].
pub(crate) async fn remove_repository(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    grace: TimeDelta,
    place: Place,
) -> Result<()> {
    if !store::lock_repository(conn, place.repository_id).await? {
        return Ok(());
    }
    let links = store::lock_all_links(conn, place.repository_id).await?;
    let mut uncounted: Vec<String> = links
        .iter()
        .filter(|link| link.counted)
        .map(|link| link.digest.clone())
        .collect();
    uncounted.extend(store::manifest_digests(conn, place.repository_id).await?);
    content::uncount(conn, place.project_id, &uncounted).await?;
    let digests: Vec<String> = links.into_iter().map(|link| link.digest).collect();
    content::store::review(conn, &digests, now + grace).await?;
    store::delete_repository(conn, place.repository_id).await
}
