//! What processes know together of upstreams: what tags meant, and who downloads.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;

/// Rows of tags that are this old are removed, a few with each that is written.
const FORGOTTEN_AFTER_DAYS: i32 = 30;

/// What the upstream said of a tag.
#[derive(Debug, Clone)]
pub(super) struct TagRow {
    pub(super) digest: String,
    pub(super) media_type: String,
    pub(super) size: Option<i64>,
    pub(super) checked_at: DateTime<Utc>,
}

/// What it said of this tag after `since`.
pub(super) async fn tag(
    conn: &mut PgConnection,
    (project_id, repository): (i64, &str),
    tag: &str,
    since: DateTime<Utc>,
) -> Result<Option<TagRow>> {
    let row = sqlx::query_as!(
        TagRow,
        "SELECT digest, media_type, size, checked_at FROM proxy_tags
         WHERE project_id = $1 AND repository = $2 AND tag = $3 AND checked_at > $4",
        project_id,
        repository,
        tag,
        since,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Notes what it said.
pub(super) async fn put_tag(
    conn: &mut PgConnection,
    (project_id, repository): (i64, &str),
    tag: &str,
    row: &TagRow,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO proxy_tags AS t (project_id, repository, tag, digest, media_type, size, checked_at)
         SELECT id, $2, $3, $4, $5, $6, $7 FROM projects WHERE id = $1 AND deleted_at IS NULL
         ON CONFLICT (project_id, repository, tag) DO UPDATE
         SET digest = excluded.digest, media_type = excluded.media_type, size = excluded.size,
             checked_at = excluded.checked_at
         WHERE t.checked_at <= excluded.checked_at",
        project_id,
        repository,
        tag,
        row.digest,
        row.media_type,
        row.size,
        row.checked_at,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM proxy_tags WHERE (project_id, repository, tag) IN (
             SELECT project_id, repository, tag FROM proxy_tags
             WHERE checked_at < $1::timestamptz - make_interval(days => $2)
             ORDER BY checked_at LIMIT 10 FOR UPDATE SKIP LOCKED)",
        row.checked_at,
        FORGOTTEN_AFTER_DAYS,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tags that were said to stand for this digest after `since`, sorted.
pub(super) async fn tags_of(
    conn: &mut PgConnection,
    (project_id, repository): (i64, &str),
    digest: &str,
    since: DateTime<Utc>,
) -> Result<Vec<String>> {
    let tags = sqlx::query_scalar!(
        "SELECT tag FROM proxy_tags
         WHERE project_id = $1 AND repository = $2 AND digest = $3 AND checked_at > $4 ORDER BY tag",
        project_id,
        repository,
        digest,
        since,
    )
    .fetch_all(conn)
    .await?;
    Ok(tags)
}

/// A download, as its row is named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) project_id: i64,
    pub(super) repository: &'a str,
    pub(super) digest: &'a str,
}

/// Takes a download that nobody holds; false where somebody does.
pub(super) async fn claim(
    conn: &mut PgConnection,
    key: Key<'_>,
    holder: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO proxy_downloads AS d (project_id, repository, digest, holder, held_until)
         VALUES ($1, $2, $3, $4, $6)
         ON CONFLICT (project_id, repository, digest) DO UPDATE
         SET holder = excluded.holder, held_until = excluded.held_until, size = NULL
         WHERE d.held_until <= $5",
        key.project_id,
        key.repository,
        key.digest,
        holder,
        now,
        until,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The size of what somebody downloads, once he knows it.
pub(super) async fn size(conn: &mut PgConnection, key: Key<'_>) -> Result<Option<i64>> {
    let size = sqlx::query_scalar!(
        "SELECT size FROM proxy_downloads WHERE project_id = $1 AND repository = $2 AND digest = $3",
        key.project_id,
        key.repository,
        key.digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(size.flatten())
}

/// Keeps a download that one holds, and says its size; false where it was lost.
pub(super) async fn keep(
    conn: &mut PgConnection,
    key: Key<'_>,
    holder: Uuid,
    until: DateTime<Utc>,
    size: Option<i64>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE proxy_downloads SET held_until = $5, size = $6
         WHERE project_id = $1 AND repository = $2 AND digest = $3 AND holder = $4",
        key.project_id,
        key.repository,
        key.digest,
        holder,
        until,
        size,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets go of a download.
pub(super) async fn release(conn: &mut PgConnection, key: Key<'_>, holder: Uuid) -> Result<()> {
    sqlx::query!(
        "DELETE FROM proxy_downloads
         WHERE project_id = $1 AND repository = $2 AND digest = $3 AND holder = $4",
        key.project_id,
        key.repository,
        key.digest,
        holder,
    )
    .execute(conn)
    .await?;
    Ok(())
}
