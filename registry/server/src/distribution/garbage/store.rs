//! Rows of reviews and of objects that are to go.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// Notes an object that no blob row names (any more) and that is to be deleted.
pub(crate) async fn doom(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    key: &str,
    digest: &str,
    size: i64,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO doomed_objects (storage_key, digest, size, doomed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (storage_key) DO NOTHING",
        key,
        digest,
        size,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The object is gone.
pub(crate) async fn forget(conn: &mut PgConnection, key: &str) -> Result<()> {
    sqlx::query!("DELETE FROM doomed_objects WHERE storage_key = $1", key)
        .execute(conn)
        .await?;
    Ok(())
}

/// Objects that are to be deleted, behind a key.
pub(crate) async fn doomed(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<String>> {
    let keys = sqlx::query_scalar!(
        "SELECT storage_key FROM doomed_objects WHERE storage_key > $1 ORDER BY storage_key LIMIT $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(keys)
}

/// Does a blob's row name this object?
pub(crate) async fn is_kept(conn: &mut PgConnection, digest: &str, key: &str) -> Result<bool> {
    let kept = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM blobs WHERE digest = $1 AND storage_key = $2) AS "kept!""#,
        digest,
        key,
    )
    .fetch_one(conn)
    .await?;
    Ok(kept)
}

/// Digests whose review is due, the longest due first.
pub(crate) async fn due(conn: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        "SELECT digest FROM blob_reviews WHERE not_before <= $1 ORDER BY not_before, digest LIMIT $2",
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}

/// How many reviews wait, and when the next one is due.
pub(crate) async fn waiting(conn: &mut PgConnection) -> Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(r#"SELECT count(*) AS "count!", min(not_before) AS next FROM blob_reviews"#)
        .fetch_one(conn)
        .await?;
    Ok((row.count, row.next))
}

/// A blob under review.
pub(crate) struct Candidate {
    pub(crate) size: i64,
    pub(crate) storage_key: String,
}

/// Locks a blob's row so that nobody can link it meanwhile.
pub(crate) async fn lock_candidate(conn: &mut PgConnection, digest: &str) -> Result<Option<Candidate>> {
    let row = sqlx::query_as!(
        Candidate,
        "SELECT size, storage_key FROM blobs WHERE digest = $1 FOR UPDATE",
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Locks every link to a blob: pushes that are about to refer to it are waited for, and later ones wait.
pub(crate) async fn lock_links(conn: &mut PgConnection, digest: &str) -> Result<()> {
    sqlx::query!(
        "SELECT repository_id FROM repository_blobs WHERE digest = $1 ORDER BY repository_id FOR UPDATE",
        digest,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Removes the links that no manifest needs and whose lease is over. Returns the projects in which they
/// counted, one entry a link.
///
/// Must be a statement of its own behind [`lock_links`]: its snapshot then sees what the pushes that were
/// waited for have committed.
pub(crate) async fn remove_free_links(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    digest: &str,
) -> Result<Vec<i64>> {
    let projects = sqlx::query!(
        "DELETE FROM repository_blobs l USING repositories r
         WHERE l.digest = $1 AND l.leased_until <= $2 AND r.id = l.repository_id
           AND NOT EXISTS (SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                           WHERE f.digest = l.digest AND m.repository_id = l.repository_id)
         RETURNING r.project_id, l.counted",
        digest,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(projects
        .into_iter()
        .filter(|link| link.counted)
        .map(|link| link.project_id)
        .collect())
}

/// What is left of a blob's links.
pub(crate) struct Left {
    /// Links of any kind.
    pub(crate) links: i64,
    /// When the first lease ends of those that nothing else holds.
    pub(crate) next: Option<DateTime<Utc>>,
}

/// Counts what is left of a blob's links.
pub(crate) async fn left(conn: &mut PgConnection, digest: &str) -> Result<Left> {
    let left = sqlx::query_as!(
        Left,
        r#"SELECT count(*) AS "links!", min(l.leased_until) FILTER (WHERE NOT EXISTS (
                SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                WHERE f.digest = l.digest AND m.repository_id = l.repository_id)) AS next
           FROM repository_blobs l WHERE l.digest = $1"#,
        digest,
    )
    .fetch_one(conn)
    .await?;
    Ok(left)
}

/// Removes a blob's row.
pub(crate) async fn remove_blob(conn: &mut PgConnection, digest: &str) -> Result<()> {
    sqlx::query!("DELETE FROM blobs WHERE digest = $1", digest)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a review.
pub(crate) async fn end_review(conn: &mut PgConnection, digest: &str) -> Result<()> {
    sqlx::query!("DELETE FROM blob_reviews WHERE digest = $1", digest)
        .execute(conn)
        .await?;
    Ok(())
}

/// Puts a review off.
pub(crate) async fn put_off(conn: &mut PgConnection, digest: &str, until: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE blob_reviews SET not_before = $2 WHERE digest = $1",
        digest,
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}
