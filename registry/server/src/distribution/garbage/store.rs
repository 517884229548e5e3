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

/// These objects are gone.
pub(crate) async fn forget(conn: &mut PgConnection, keys: &[String]) -> Result<()> {
    sqlx::query!("DELETE FROM doomed_objects WHERE storage_key = ANY ($1)", keys)
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

/// A review that is due.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) digest: String,
    pub(crate) not_before: DateTime<Utc>,
}

/// Reviews that are due, the longest due first, behind one that was read before.
pub(crate) async fn due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    after: Option<&Due>,
    limit: i64,
) -> Result<Vec<Due>> {
    let due = sqlx::query_as!(
        Due,
        "SELECT digest, not_before FROM blob_reviews
         WHERE not_before <= $1 AND ($2::timestamptz IS NULL OR (not_before, digest) > ($2, $3))
         ORDER BY not_before, digest LIMIT $4",
        now,
        after.map(|due| due.not_before),
        after.map(|due| due.digest.as_str()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(due)
}

/// How many reviews wait, and when the next one is due.
pub(crate) async fn waiting(conn: &mut PgConnection) -> Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(r#"SELECT count(*) AS "count!", min(not_before) AS next FROM blob_reviews"#)
        .fetch_one(conn)
        .await?;
    Ok((row.count, row.next))
}

/// How many blobs that no manifest refers to wait for their time, and when the first of these has come.
pub(crate) async fn young(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", min(not_before) AS next FROM blob_reviews v
           WHERE not_before > $1
             AND NOT EXISTS (SELECT FROM repository_blobs l
                             JOIN manifest_references f ON f.digest = l.digest JOIN manifests m ON m.id = f.manifest_id
                             WHERE l.digest = v.digest AND m.repository_id = l.repository_id)"#,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.next))
}

/// How many objects are to be deleted, and their bytes.
pub(crate) async fn count_doomed(conn: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", coalesce(sum(size), 0)::bigint AS "bytes!" FROM doomed_objects"#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.bytes))
}

/// How many blobs the reviews that are due would remove, and their bytes, if these manifests were removed before and nothing that
/// they leave over were kept for a while.
pub(crate) async fn due_blobs(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    manifests: &[i64],
) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", coalesce(sum(b.size), 0)::bigint AS "bytes!"
           FROM (SELECT digest FROM blob_reviews WHERE not_before <= $1
                 UNION
                 SELECT f.digest FROM manifest_references f WHERE f.manifest_id = ANY ($2) AND f.kind <> 'child') c
           JOIN blobs b ON b.digest = c.digest
           WHERE NOT EXISTS (
               SELECT FROM repository_blobs l WHERE l.digest = b.digest
                 AND (EXISTS (SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                              WHERE f.digest = l.digest AND m.repository_id = l.repository_id AND m.id <> ALL ($2))
                      OR (l.leased_until > $1
                          AND (l.leases > 0
                               OR NOT EXISTS (SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                                              WHERE f.digest = l.digest AND m.repository_id = l.repository_id
                                                AND m.id = ANY ($2))))))"#,
        now,
        manifests,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.bytes))
}

/// Locks those of these blobs that nobody uses at this moment, so that nobody can link them meanwhile.
pub(crate) async fn lock_blobs(conn: &mut PgConnection, digests: &[String]) -> Result<Vec<String>> {
    let locked = sqlx::query_scalar!(
        "SELECT digest FROM blobs WHERE digest = ANY ($1) ORDER BY digest FOR UPDATE SKIP LOCKED",
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(locked)
}

/// A repository's link to a blob.
pub(crate) struct Link {
    repository_id: i64,
    digest: String,
}

/// Locks the links to these blobs that seem free and that no push is about to refer to; pushes that come later wait.
pub(crate) async fn lock_free_links(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    digests: &[String],
) -> Result<Vec<Link>> {
    let links = sqlx::query_as!(
        Link,
        "SELECT l.repository_id, l.digest FROM repository_blobs l
         WHERE l.digest = ANY ($1) AND l.leased_until <= $2
           AND NOT EXISTS (SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                           WHERE f.digest = l.digest AND m.repository_id = l.repository_id)
         ORDER BY l.digest, l.repository_id FOR UPDATE OF l SKIP LOCKED",
        digests,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(links)
}

/// A link that was removed.
pub(crate) struct RemovedLink {
    pub(crate) project_id: i64,
    pub(crate) digest: String,
    pub(crate) counted: bool,
}

/// Removes those of these links that no manifest needs.
///
/// Must be a statement of its own behind [`lock_free_links`]: its snapshot then sees what the pushes that had the links
/// before have committed.
pub(crate) async fn remove_free_links(conn: &mut PgConnection, links: &[Link]) -> Result<Vec<RemovedLink>> {
    let repositories: Vec<i64> = links.iter().map(|link| link.repository_id).collect();
    let digests: Vec<String> = links.iter().map(|link| link.digest.clone()).collect();
    let removed = sqlx::query_as!(
        RemovedLink,
        "DELETE FROM repository_blobs l
         USING unnest($1::bigint[], $2::text[]) AS c (repository_id, digest), repositories r
         WHERE l.repository_id = c.repository_id AND l.digest = c.digest AND r.id = l.repository_id
           AND NOT EXISTS (SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                           WHERE f.digest = l.digest AND m.repository_id = l.repository_id)
         RETURNING r.project_id, l.digest, l.counted",
        &repositories,
        &digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(removed)
}

/// Removes the rows of those of these (locked) blobs that nothing links any more, and notes their objects; returns how many.
pub(crate) async fn doom_unlinked(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    digests: &[String],
) -> Result<i64> {
    let removed = sqlx::query_scalar!(
        r#"WITH gone AS (
               DELETE FROM blobs b WHERE b.digest = ANY ($1)
                 AND NOT EXISTS (SELECT FROM repository_blobs l WHERE l.digest = b.digest)
               RETURNING b.digest, b.size, b.storage_key),
           doomed AS (
               INSERT INTO doomed_objects (storage_key, digest, size, doomed_at)
               SELECT storage_key, digest, size, $2 FROM gone ON CONFLICT (storage_key) DO NOTHING)
           SELECT count(*) AS "removed!" FROM gone"#,
        digests,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(removed)
}

/// Locks those of these reviews that nobody changes at this moment.
pub(crate) async fn lock_reviews(conn: &mut PgConnection, digests: &[String]) -> Result<Vec<String>> {
    let locked = sqlx::query_scalar!(
        "SELECT digest FROM blob_reviews WHERE digest = ANY ($1) ORDER BY digest FOR UPDATE SKIP LOCKED",
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(locked)
}

/// Ends these (locked) reviews, or puts them off to the end of the first lease of a link that nothing else holds; returns
/// how many. Reviews of blobs that are there and not among `blobs`, which are locked, stay as they are.
///
/// Must be a statement of its own behind [`lock_reviews`]: whoever gave up a reference before has committed then, and
/// whoever does so later renews the review.
pub(crate) async fn settle_reviews(
    conn: &mut PgConnection,
    reviews: &[String],
    blobs: &[String],
) -> Result<i64> {
    let settled = sqlx::query_scalar!(
        r#"WITH settled AS (
               SELECT v.digest, (SELECT min(l.leased_until) FROM repository_blobs l
                                 WHERE l.digest = v.digest
                                   AND NOT EXISTS (SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                                                   WHERE f.digest = l.digest AND m.repository_id = l.repository_id)) AS next
               FROM unnest($1::text[]) AS v (digest)
               WHERE v.digest = ANY ($2) OR NOT EXISTS (SELECT FROM blobs b WHERE b.digest = v.digest)),
           ended AS (
               DELETE FROM blob_reviews v USING settled s WHERE v.digest = s.digest AND s.next IS NULL),
           put_off AS (
               UPDATE blob_reviews v SET not_before = s.next FROM settled s
               WHERE v.digest = s.digest AND s.next IS NOT NULL)
           SELECT count(*) AS "settled!" FROM settled"#,
        reviews,
        blobs,
    )
    .fetch_one(conn)
    .await?;
    Ok(settled)
}
