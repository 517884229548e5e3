//! Rows of manifests, references and tags.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::parsed::Parsed;
use crate::distribution::content::Place;
use crate::error::Result;

/// The key of a repository's blob that has at most this size.
pub(crate) async fn small_blob(
    conn: &mut PgConnection,
    project_id: i64,
    repository: &str,
    digest: &str,
    largest: i64,
) -> Result<Option<String>> {
    let key = sqlx::query_scalar!(
        "SELECT b.storage_key FROM repositories r
         JOIN repository_blobs l ON l.repository_id = r.id AND l.digest = $3
         JOIN blobs b ON b.digest = l.digest
         WHERE r.name = $2 AND r.project_id = $1 AND b.size <= $4",
        project_id,
        repository,
        digest,
        largest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(key)
}

/// The repository and the key of this blob, if it has at most this size and is the config of manifests that lack theirs.
pub(crate) async fn missing_config(
    conn: &mut PgConnection,
    project_id: i64,
    repository: &str,
    digest: &str,
    largest: i64,
) -> Result<Option<(i64, String)>> {
    let row = sqlx::query!(
        "SELECT r.id, b.storage_key FROM repositories r
         JOIN repository_blobs l ON l.repository_id = r.id AND l.digest = $3
         JOIN blobs b ON b.digest = l.digest
         WHERE r.name = $2 AND r.project_id = $1 AND b.size <= $4
           AND EXISTS (SELECT FROM manifests m JOIN manifest_references f ON f.manifest_id = m.id
                       WHERE f.digest = $3 AND f.kind = 'config' AND m.repository_id = r.id AND m.config IS NULL)",
        project_id,
        repository,
        digest,
        largest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.storage_key)))
}

/// Keeps a config beside the manifests that lack it.
pub(crate) async fn set_config(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
    config: &Value,
) -> Result<()> {
    sqlx::query!(
        "UPDATE manifests m SET config = $3
         FROM manifest_references f
         WHERE f.manifest_id = m.id AND f.digest = $2 AND f.kind = 'config' AND m.repository_id = $1
           AND m.config IS NULL",
        repository_id,
        digest,
        config,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A blob that a manifest points at and that the repository has.
pub(crate) struct LinkRow {
    pub(crate) digest: String,
    pub(crate) size: i64,
    pub(crate) counted: bool,
}

/// Locks the repository's links to these blobs (sorted) against garbage collection and removals.
pub(crate) async fn lock_links(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<LinkRow>> {
    let rows = sqlx::query_as!(
        LinkRow,
        "SELECT l.digest, b.size, l.counted FROM repository_blobs l JOIN blobs b ON b.digest = l.digest
         WHERE l.repository_id = $1 AND l.digest = ANY ($2) ORDER BY l.digest FOR KEY SHARE OF l",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Makes links count again and returns those that did not.
pub(crate) async fn mark_counted(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        "UPDATE repository_blobs SET counted = true
         WHERE repository_id = $1 AND digest = ANY ($2) AND NOT counted RETURNING digest",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}

/// As [`lock_links`], for a push that comes to its end with this: each of these links has one lease less.
pub(crate) async fn end_leases(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<LinkRow>> {
    let rows = sqlx::query_as!(
        LinkRow,
        "WITH held AS (
             SELECT l.digest, b.size, l.counted FROM repository_blobs l JOIN blobs b ON b.digest = l.digest
             WHERE l.repository_id = $1 AND l.digest = ANY ($2) ORDER BY l.digest FOR KEY SHARE OF l),
         ended AS (
             UPDATE repository_blobs l SET leases = l.leases - 1
             FROM (SELECT digest FROM repository_blobs
                   WHERE repository_id = $1 AND digest = ANY ($2) AND leases > 0
                   ORDER BY digest FOR NO KEY UPDATE) AS leased
             WHERE l.repository_id = $1 AND l.digest = leased.digest AND l.leases > 0)
         SELECT digest, size, counted FROM held",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A child of an index.
pub(crate) struct ChildRow {
    pub(crate) digest: String,
    pub(crate) content_size: i64,
}

/// Locks the repository's manifests of these digests (sorted) against removal.
pub(crate) async fn lock_children(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<ChildRow>> {
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        ChildRow,
        "SELECT digest, content_size FROM manifests WHERE repository_id = $1 AND digest = ANY ($2)
         ORDER BY digest FOR KEY SHARE",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Locks a manifest of the repository against removal and returns its id.
pub(crate) async fn lock_manifest(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM manifests WHERE repository_id = $1 AND digest = $2 FOR KEY SHARE",
        repository_id,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// A manifest that was inserted.
pub(crate) struct Inserted {
    pub(crate) id: i64,
    /// The project's count and usage include it. If not, not enough is granted to this connection's slot of the usage.
    pub(crate) counted: bool,
}

/// Inserts a manifest with everything that it points at; `None` where it is there already.
pub(crate) async fn insert_manifest(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    place: Place,
    parsed: &Parsed,
    content_size: i64,
    config: Option<&Value>,
) -> Result<Option<Inserted>> {
    let manifest = &parsed.manifest;
    let (kinds, digests): (Vec<String>, Vec<String>) = parsed
        .references()
        .map(|(kind, d)| (kind.to_owned(), d.digest.to_string()))
        .unzip();
    let descriptors: Vec<Option<Value>> = match parsed.descriptors.is_empty() {
        true => vec![None; digests.len()],
        false => parsed.descriptors.clone(),
    };
    let inserted = sqlx::query_as!(
        Inserted,
        r#"WITH inserted AS (
             INSERT INTO manifests (repository_id, digest, media_type, artifact_type, is_index, config_digest,
                                    config_media_type, subject_digest, annotations, config, bytes, content_size, push_time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id),
         referring AS (
             INSERT INTO manifest_references (manifest_id, position, kind, digest, descriptor)
             SELECT i.id, (f.n - 1)::integer, f.kind, f.digest, f.descriptor
             FROM inserted i, unnest($14::text[], $15::text[], $16::jsonb[])
                              WITH ORDINALITY AS f (kind, digest, descriptor, n)),
         counted AS (
             INSERT INTO project_blobs (project_id, digest, size, links)
             SELECT $17, $2, $18, 1
             FROM inserted i, LATERAL (SELECT FROM project_usage u
                                       WHERE u.project_id = $17 AND u.slot = usage_slot() AND i.id IS NOT NULL
                                         AND u.used + $18 <= u.granted
                                       FOR NO KEY UPDATE OF u) AS granted
             ON CONFLICT (project_id, digest) DO UPDATE SET links = project_blobs.links + 1 RETURNING digest)
         SELECT id, EXISTS (SELECT FROM counted) AS "counted!" FROM inserted"#,
        place.repository_id,
        parsed.digest.as_str(),
        manifest.media_type,
        manifest.artifact_type,
        manifest.kind == slipway_model::ManifestKind::Index,
        manifest.config.as_ref().map(|c| c.digest.as_str()),
        manifest.config.as_ref().map(|c| c.media_type.as_str()),
        manifest.subject.as_ref().map(|s| s.digest.as_str()),
        parsed.annotations(),
        config,
        &parsed.bytes[..],
        content_size,
        now,
        &kinds,
        &digests,
        &descriptors as &[Option<Value>],
        place.project_id,
        parsed.size(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(inserted)
}

/// Locks a tag and returns the manifest that it stands on.
pub(crate) async fn lock_tag(conn: &mut PgConnection, repository_id: i64, tag: &str) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "SELECT manifest_id FROM tags WHERE repository_id = $1 AND name = $2 FOR UPDATE",
        repository_id,
        tag,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// A manifest's digest.
pub(crate) async fn digest_of(conn: &mut PgConnection, manifest_id: i64) -> Result<Option<String>> {
    let digest = sqlx::query_scalar!("SELECT digest FROM manifests WHERE id = $1", manifest_id)
        .fetch_optional(conn)
        .await?;
    Ok(digest)
}

/// Sets a new tag; false where somebody else was first.
pub(crate) async fn insert_tag(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    repository_id: i64,
    tag: &str,
    manifest_id: i64,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO tags (repository_id, name, manifest_id, push_time) VALUES ($1, $2, $3, $4)
         ON CONFLICT (repository_id, name) DO NOTHING",
        repository_id,
        tag,
        manifest_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves a tag that is locked.
pub(crate) async fn move_tag(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    repository_id: i64,
    tag: &str,
    manifest_id: i64,
) -> Result<()> {
    sqlx::query!(
        "UPDATE tags SET manifest_id = $3, push_time = $4, pull_time = NULL WHERE repository_id = $1 AND name = $2",
        repository_id,
        tag,
        manifest_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a manifest arrived, to the second: the row is what pushes to one repository meet at, so most leave it alone.
pub(crate) async fn touch_repository(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    repository_id: i64,
) -> Result<()> {
    sqlx::query!(
        "UPDATE repositories SET updated_at = greatest(updated_at, $2), pushed_at = greatest(pushed_at, $2)
         WHERE id = $1 AND (pushed_at IS NULL OR pushed_at < $2::timestamptz - interval '1 second' OR updated_at < $2::timestamptz - interval '1 second')",
        repository_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
