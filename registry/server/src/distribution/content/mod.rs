//! Repositories, the blobs that they may read, and what counts against a project: what uploads, mounts,
//! pushes and removals share.
//!
//! **Order of locks**, kept by every transaction of this API so that none waits in a circle: the
//! repository's row (shared), the `blobs` row, links (`repository_blobs`, sorted by digest), manifests (sorted
//! by digest), the project's slot of usage, `project_blobs`, `blob_reviews`, tags, the repository's time of change.
//!
//! **A link holds** while a manifest of the repository refers to the blob, or while its lease runs. Each
//! link that nothing refers to has a row in `blob_reviews`; garbage collection decides under lock, many blobs at once. It
//! passes over blobs, links and reviews that somebody else holds.

pub(crate) mod store;

use chrono::{DateTime, TimeDelta, Utc};
use slipway_blobs::BlobKey;
use slipway_model::Digest;
use sqlx::PgConnection;

use crate::distribution::removal;
use crate::error::{Error, Result};
use crate::features::quota;

/// A lease that is granted or renewed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    now: DateTime<Utc>,
    length: TimeDelta,
}

impl Lease {
    /// A lease of this length, counted from `now`.
    pub(crate) fn new(now: DateTime<Utc>, length: TimeDelta) -> Self {
        Self { now, length }
    }

    /// Until when it runs.
    pub(crate) fn until(self) -> DateTime<Utc> {
        self.now + self.length
    }

    /// The moment of granting.
    pub(crate) fn now(self) -> DateTime<Utc> {
        self.now
    }
}

/// Where a repository's row is, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The project's id.
    pub(crate) project_id: i64,
    /// The repository's id.
    pub(crate) repository_id: i64,
}

/// Finds a repository or makes it, however many requests do so at once; it cannot vanish before the
/// transaction ends. Must come first in its transaction.
pub(crate) async fn ensure_repository(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    name: &str,
) -> Result<Place> {
    for _ in 0..8 {
        match store::lock_repository(conn, name).await? {
            Some((repository_id, owner)) if owner == project_id => {
                return Ok(Place {
                    project_id,
                    repository_id,
                });
            }
            // Blobs of a first push that never ended, in a project of this name that was removed since.
            Some((repository_id, owner)) => {
                let place = Place {
                    project_id: owner,
                    repository_id,
                };
                removal::remove_repository(conn, now, TimeDelta::zero(), place).await?;
            }
            None => store::insert_repository(conn, now, project_id, name).await?,
        }
    }
    Err(Error::unavailable(format!(
        "the repository {name} is being removed"
    )))
}

/// Gives a repository the right to read a blob whose row the caller holds locked (`keep_blob` or
/// `lock_blob`), counts it against the project and puts it up for review at the end of its lease.
pub(crate) async fn grant(
    conn: &mut PgConnection,
    lease: Lease,
    place: Place,
    digest: &Digest,
    size: i64,
) -> Result<()> {
    if store::link(conn, place.repository_id, digest, lease.now(), lease.until()).await? {
        count(conn, place.project_id, &[(digest, size)]).await?;
    }
    store::review(conn, &[digest.as_str().to_owned()], lease.until()).await
}

/// Counts content against the project's quota, or refuses it.
pub(crate) async fn count(
    conn: &mut PgConnection,
    project_id: i64,
    content: &[(&Digest, i64)],
) -> Result<()> {
    if content.is_empty() {
        return Ok(());
    }
    let mut sorted = content.to_vec();
    sorted.sort();
    let digests: Vec<String> = sorted.iter().map(|(digest, _)| digest.to_string()).collect();
    let sizes: Vec<i64> = sorted.iter().map(|(_, size)| *size).collect();
    if store::count(conn, project_id, &digests, &sizes, true).await? {
        return Ok(());
    }
    quota::admit(conn, project_id, &digests, &sizes).await?;
    store::count(conn, project_id, &digests, &sizes, false).await?;
    Ok(())
}

/// Takes one link from each of these contents of a project; what has none left no longer counts.
pub(crate) async fn uncount(conn: &mut PgConnection, project_id: i64, digests: &[String]) -> Result<()> {
    uncount_all(
        conn,
        digests
            .iter()
            .map(|digest| (project_id, digest.clone()))
            .collect(),
    )
    .await
}

/// As [`uncount`], for contents of any projects; one that is named twice loses two links.
pub(crate) async fn uncount_all(conn: &mut PgConnection, contents: Vec<(i64, String)>) -> Result<()> {
    if contents.is_empty() {
        return Ok(());
    }
    let (projects, digests): (Vec<i64>, Vec<String>) = contents.into_iter().unzip();
    quota::give_back(conn, &projects).await?;
    store::uncount(conn, &projects, &digests).await
}

/// A key as the database keeps it.
pub(crate) fn key(text: &str) -> Result<BlobKey> {
    BlobKey::parse(text).map_err(Error::internal)
}
