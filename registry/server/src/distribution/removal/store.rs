//! Rows of removals.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// Blobs that a manifest points at, sorted, each once.
pub(crate) async fn blobs_of(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        "SELECT DISTINCT f.digest FROM manifests m JOIN manifest_references f ON f.manifest_id = m.id
         WHERE m.repository_id = $1 AND m.digest = $2 AND f.kind <> 'child' ORDER BY f.digest",
        repository_id,
        digest,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}

/// A repository's link to a blob.
pub(crate) struct LinkRow {
    pub(crate) digest: String,
    pub(crate) counted: bool,
}

/// Locks links against pushes that are about to refer to them.
pub(crate) async fn lock_links(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<LinkRow>> {
    let rows = sqlx::query_as!(
        LinkRow,
        "SELECT digest, counted FROM repository_blobs WHERE repository_id = $1 AND digest = ANY ($2)
         ORDER BY digest FOR UPDATE",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Locks all links of a repository.
pub(crate) async fn lock_all_links(conn: &mut PgConnection, repository_id: i64) -> Result<Vec<LinkRow>> {
    let rows = sqlx::query_as!(
        LinkRow,
        "SELECT digest, counted FROM repository_blobs WHERE repository_id = $1 ORDER BY digest FOR UPDATE",
        repository_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Locks a manifest for removal.
pub(crate) async fn lock_manifest(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM manifests WHERE repository_id = $1 AND digest = $2 FOR UPDATE",
        repository_id,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// An index of the repository that has this manifest as a child.
pub(crate) async fn parent_of(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
) -> Result<Option<String>> {
    let parent = sqlx::query_scalar!(
        "SELECT m.digest FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
         WHERE f.digest = $2 AND f.kind = 'child' AND m.repository_id = $1 ORDER BY m.digest LIMIT 1",
        repository_id,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(parent)
}

/// A manifest of the repository that points at this blob.
pub(crate) async fn user_of(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
) -> Result<Option<String>> {
    let user = sqlx::query_scalar!(
        "SELECT m.digest FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
         WHERE f.digest = $2 AND f.kind <> 'child' AND m.repository_id = $1 ORDER BY m.digest LIMIT 1",
        repository_id,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(user)
}

/// The tags on a manifest, sorted.
pub(crate) async fn tags_of(conn: &mut PgConnection, manifest_id: i64) -> Result<Vec<String>> {
    let tags = sqlx::query_scalar!(
        "SELECT name FROM tags WHERE manifest_id = $1 ORDER BY name",
        manifest_id
    )
    .fetch_all(conn)
    .await?;
    Ok(tags)
}

/// All tags of a repository, sorted.
pub(crate) async fn all_tags(conn: &mut PgConnection, repository_id: i64) -> Result<Vec<String>> {
    let tags = sqlx::query_scalar!(
        "SELECT name FROM tags WHERE repository_id = $1 ORDER BY name",
        repository_id
    )
    .fetch_all(conn)
    .await?;
    Ok(tags)
}

/// Deletes a manifest; its references and tags go with it.
pub(crate) async fn delete_manifest(conn: &mut PgConnection, manifest_id: i64) -> Result<()> {
    sqlx::query!("DELETE FROM manifests WHERE id = $1", manifest_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Those of these (locked) links that no manifest of the repository needs.
pub(crate) async fn orphans(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<LinkRow>> {
    let rows = sqlx::query_as!(
        LinkRow,
        "SELECT l.digest, l.counted FROM repository_blobs l
         WHERE l.repository_id = $1 AND l.digest = ANY ($2)
           AND NOT EXISTS (SELECT FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id
                           WHERE f.digest = l.digest AND m.repository_id = l.repository_id)",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Lets links go that nothing needs: they no longer count. A lease that no push is under way for ends with
/// the grace period.
pub(crate) async fn release(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
    end: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE repository_blobs
         SET counted = false,
             leased_until = CASE WHEN leases = 0 THEN least(leased_until, $3) ELSE leased_until END
         WHERE repository_id = $1 AND digest = ANY ($2)",
        repository_id,
        digests,
        end,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the repository changed.
pub(crate) async fn touch_repository(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    repository_id: i64,
) -> Result<()> {
    sqlx::query!(
        "UPDATE repositories SET updated_at = greatest(updated_at, $2) WHERE id = $1",
        repository_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a tag and returns the digest that it stood on.
pub(crate) async fn delete_tag(
    conn: &mut PgConnection,
    repository_id: i64,
    tag: &str,
) -> Result<Option<String>> {
    let digest = sqlx::query_scalar!(
        "DELETE FROM tags t USING manifests m
         WHERE t.repository_id = $1 AND t.name = $2 AND m.id = t.manifest_id RETURNING m.digest",
        repository_id,
        tag,
    )
    .fetch_optional(conn)
    .await?;
    Ok(digest)
}

/// Deletes a link.
pub(crate) async fn delete_link(conn: &mut PgConnection, repository_id: i64, digest: &str) -> Result<()> {
    sqlx::query!(
        "DELETE FROM repository_blobs WHERE repository_id = $1 AND digest = $2",
        repository_id,
        digest,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a repository for removal: pushes to it are waited for, later ones begin it anew.
pub(crate) async fn lock_repository(conn: &mut PgConnection, repository_id: i64) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM repositories WHERE id = $1 FOR UPDATE",
        repository_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// The digests of a repository's manifests.
pub(crate) async fn manifest_digests(conn: &mut PgConnection, repository_id: i64) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        "SELECT digest FROM manifests WHERE repository_id = $1 ORDER BY digest FOR UPDATE",
        repository_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}

/// Deletes a repository and all that is in it.
pub(crate) async fn delete_repository(conn: &mut PgConnection, repository_id: i64) -> Result<()> {
    sqlx::query!("DELETE FROM repositories WHERE id = $1", repository_id)
        .execute(conn)
        .await?;
    Ok(())
}
