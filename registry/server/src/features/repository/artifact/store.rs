//! Rows of artifacts.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::kind;
use crate::error::Result;
use crate::features::repository::store::Cut;
use crate::features::request::query::TextFilter;

/// An artifact as it is answered.
#[derive(Debug, Clone)]
pub(in crate::features::repository) struct ArtifactRow {
    pub(in crate::features::repository) id: i64,
    pub(in crate::features::repository) digest: String,
    pub(in crate::features::repository) media_type: String,
    pub(in crate::features::repository) artifact_type: Option<String>,
    pub(in crate::features::repository) is_index: bool,
    pub(in crate::features::repository) config_media_type: Option<String>,
    pub(in crate::features::repository) annotations: Value,
    /// Of an image's config the parts that are shown, otherwise all of it.
    pub(in crate::features::repository) config: Option<Value>,
    pub(in crate::features::repository) content_size: i64,
    pub(in crate::features::repository) push_time: DateTime<Utc>,
    pub(in crate::features::repository) pull_time: Option<DateTime<Utc>>,
}

/// Which artifacts of a repository.
#[derive(Debug, Clone, Default)]
pub(in crate::features::repository) struct Wanted {
    /// Those that are only parts of an index too.
    pub(in crate::features::repository) with_children: bool,
    /// Only those with (or without) any tag.
    pub(in crate::features::repository) tagged: Option<bool>,
    /// Only those with this tag.
    pub(in crate::features::repository) tag: Option<String>,
    /// Only those with a tag that holds this (LIKE).
    pub(in crate::features::repository) tag_pattern: Option<String>,
    pub(in crate::features::repository) digest: Option<String>,
    pub(in crate::features::repository) artifact_type: Option<String>,
    pub(in crate::features::repository) media_type: Option<String>,
    /// Only those with all of these labels, each named once.
    pub(in crate::features::repository) labels: Option<Vec<i64>>,
}

/// Counts the artifacts of a repository that are wanted.
pub(in crate::features::repository) async fn count(
    conn: &mut PgConnection,
    repository_id: i64,
    wanted: &Wanted,
) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM manifests m
           WHERE m.repository_id = $1 AND m.subject_digest IS NULL
             AND ($2 OR m.digest NOT IN (SELECT f.digest
                                         FROM manifests i JOIN manifest_references f ON f.manifest_id = i.id
                                         WHERE i.repository_id = $1 AND i.is_index AND f.kind = 'child')
                  OR m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1))
             AND ($3::boolean IS NULL
                  OR $3 = (m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1)))
             AND ($4::text IS NULL
                  OR m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1 AND t.name = $4))
             AND ($5::text IS NULL
                  OR m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1 AND t.name LIKE $5))
             AND ($6::text IS NULL OR m.digest = $6)
             AND ($7::text IS NULL OR m.artifact_type = $7)
             AND ($8::text IS NULL OR coalesce(m.config_media_type, m.media_type) = $8)
             AND ($9::bigint[] IS NULL OR cardinality($9) = (SELECT count(*) FROM artifact_labels l
                                                             WHERE l.manifest_id = m.id AND l.label_id = ANY ($9)))"#,
        repository_id,
        wanted.with_children,
        wanted.tagged,
        wanted.tag.as_deref(),
        wanted.tag_pattern.as_deref(),
        wanted.digest.as_deref(),
        wanted.artifact_type.as_deref(),
        wanted.media_type.as_deref(),
        wanted.labels.as_deref() as Option<&[i64]>,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists the artifacts of a repository that are wanted. The page is cut before anything else of an artifact is read.
pub(in crate::features::repository) async fn list(
    conn: &mut PgConnection,
    repository_id: i64,
    wanted: &Wanted,
    cut: &Cut,
) -> Result<Vec<ArtifactRow>> {
    let rows = sqlx::query_as!(
        ArtifactRow,
        r#"SELECT m.id, m.digest, m.media_type, m.artifact_type, m.is_index, m.config_media_type, m.annotations,
                  CASE WHEN m.config ? 'rootfs' THEN m.config - 'history' - 'rootfs' ELSE m.config END AS config,
                  m.content_size, m.push_time, m.pull_time
           FROM (SELECT m.id, row_number() OVER (
                            ORDER BY CASE WHEN $9 = 'push_time' AND NOT $10 THEN m.push_time END,
                                     CASE WHEN $9 = 'pull_time' AND $10 THEN m.pull_time END DESC NULLS LAST,
                                     CASE WHEN $9 = 'pull_time' AND NOT $10 THEN m.pull_time END NULLS FIRST,
                                     CASE WHEN $9 = 'size' AND $10 THEN m.content_size END DESC,
                                     CASE WHEN $9 = 'size' AND NOT $10 THEN m.content_size END,
                                     m.push_time DESC, m.id DESC) AS place
           FROM manifests m
           WHERE m.repository_id = $1 AND m.subject_digest IS NULL
             AND ($2 OR m.digest NOT IN (SELECT f.digest
                                         FROM manifests i JOIN manifest_references f ON f.manifest_id = i.id
                                         WHERE i.repository_id = $1 AND i.is_index AND f.kind = 'child')
                  OR m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1))
             AND ($3::boolean IS NULL
                  OR $3 = (m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1)))
             AND ($4::text IS NULL
                  OR m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1 AND t.name = $4))
             AND ($5::text IS NULL
                  OR m.id IN (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1 AND t.name LIKE $5))
             AND ($6::text IS NULL OR m.digest = $6)
             AND ($7::text IS NULL OR m.artifact_type = $7)
             AND ($8::text IS NULL OR coalesce(m.config_media_type, m.media_type) = $8)
             AND ($13::bigint[] IS NULL OR cardinality($13) = (SELECT count(*) FROM artifact_labels l
                                                               WHERE l.manifest_id = m.id AND l.label_id = ANY ($13)))
           ORDER BY place LIMIT $11 OFFSET $12) AS page JOIN manifests m ON m.id = page.id
           ORDER BY page.place"#,
        repository_id,
        wanted.with_children,
        wanted.tagged,
        wanted.tag.as_deref(),
        wanted.tag_pattern.as_deref(),
        wanted.digest.as_deref(),
        wanted.artifact_type.as_deref(),
        wanted.media_type.as_deref(),
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
        wanted.labels.as_deref() as Option<&[i64]>,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Finds an artifact by tag or digest.
pub(in crate::features::repository) async fn find(
    conn: &mut PgConnection,
    repository_id: i64,
    tag: Option<&str>,
    digest: Option<&str>,
) -> Result<Option<ArtifactRow>> {
    let row = sqlx::query_as!(
        ArtifactRow,
        r#"SELECT m.id, m.digest, m.media_type, m.artifact_type, m.is_index, m.config_media_type, m.annotations,
                  CASE WHEN m.config ? 'rootfs' THEN m.config - 'history' - 'rootfs' ELSE m.config END AS config,
                  m.content_size, m.push_time, m.pull_time
           FROM manifests m
           WHERE m.repository_id = $1
             AND (m.digest = $3
                  OR m.id = (SELECT t.manifest_id FROM tags t WHERE t.repository_id = $1 AND t.name = $2))"#,
        repository_id,
        tag,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Locks an artifact against removal; false where it is gone.
pub(in crate::features::repository) async fn hold(conn: &mut PgConnection, id: i64) -> Result<bool> {
    let found = sqlx::query_scalar!("SELECT id FROM manifests WHERE id = $1 FOR KEY SHARE", id)
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// Does the artifact refer to another one?
pub(in crate::features::repository) async fn refers(conn: &mut PgConnection, id: i64) -> Result<bool> {
    let refers = sqlx::query_scalar!(
        r#"SELECT subject_digest IS NOT NULL AS "refers!" FROM manifests WHERE id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(refers.unwrap_or_default())
}

/// The history in an image's config.
pub(in crate::features::repository) async fn history(
    conn: &mut PgConnection,
    manifest_id: i64,
) -> Result<Option<Value>> {
    let history = sqlx::query_scalar!(
        "SELECT config -> 'history' FROM manifests WHERE id = $1",
        manifest_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(history.flatten())
}

/// A child of an index.
#[derive(Debug, Clone)]
pub(in crate::features::repository) struct ChildRow {
    pub(in crate::features::repository) parent_id: i64,
    pub(in crate::features::repository) child_id: Option<i64>,
    pub(in crate::features::repository) digest: String,
    pub(in crate::features::repository) descriptor: Option<Value>,
}

/// The children of these indexes, in their order.
pub(in crate::features::repository) async fn children(
    conn: &mut PgConnection,
    manifest_ids: &[i64],
) -> Result<Vec<ChildRow>> {
    let rows = sqlx::query_as!(
        ChildRow,
        r#"SELECT f.manifest_id AS parent_id, c.id AS "child_id?", f.digest, f.descriptor
           FROM manifest_references f
           JOIN manifests i ON i.id = f.manifest_id
           LEFT JOIN manifests c ON c.repository_id = i.repository_id AND c.digest = f.digest
           WHERE f.manifest_id = ANY ($1) AND f.kind = 'child' ORDER BY f.manifest_id, f.position"#,
        manifest_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What refers to an artifact.
#[derive(Debug, Clone)]
pub(in crate::features::repository) struct AccessoryRow {
    pub(in crate::features::repository) id: i64,
    pub(in crate::features::repository) subject_id: Option<i64>,
    pub(in crate::features::repository) subject_digest: String,
    pub(in crate::features::repository) digest: String,
    pub(in crate::features::repository) artifact_type: Option<String>,
    pub(in crate::features::repository) content_size: i64,
    pub(in crate::features::repository) push_time: DateTime<Utc>,
}

/// What refers to these digests of these repositories, oldest first.
pub(in crate::features::repository) async fn accessories(
    conn: &mut PgConnection,
    repository_ids: &[i64],
    subjects: &[String],
) -> Result<Vec<AccessoryRow>> {
    let rows = sqlx::query_as!(
        AccessoryRow,
        r#"SELECT a.id, s.id AS "subject_id?", a.subject_digest AS "subject_digest!", a.digest, a.artifact_type,
                  a.content_size, a.push_time
           FROM manifests a
           LEFT JOIN manifests s ON s.repository_id = a.repository_id AND s.digest = a.subject_digest
           WHERE a.repository_id = ANY ($1) AND a.subject_digest = ANY ($2)
           ORDER BY a.push_time, a.id"#,
        repository_ids,
        subjects,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The signatures of the indexes that these artifacts are parts of, each with the artifact's id, oldest first.
pub(in crate::features::repository) async fn inherited(
    conn: &mut PgConnection,
    ids: &[i64],
) -> Result<Vec<(i64, AccessoryRow)>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT c.id AS child_id, a.id, i.id AS index_id, i.digest AS index_digest, a.digest, a.artifact_type,
                  a.content_size, a.push_time
           FROM manifests c
           JOIN manifest_references f ON f.digest = c.digest AND f.kind = 'child'
           JOIN manifests i ON i.id = f.manifest_id AND i.repository_id = c.repository_id
           JOIN manifests a ON a.repository_id = i.repository_id AND a.subject_digest = i.digest
           WHERE c.id = ANY ($1) AND a.artifact_type = ANY ($2)
           ORDER BY a.push_time, a.id"#,
        ids,
        &kind::signature_types(),
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let accessory = AccessoryRow {
            id: row.id,
            subject_id: Some(row.index_id),
            subject_digest: row.index_digest,
            digest: row.digest,
            artifact_type: row.artifact_type,
            content_size: row.content_size,
            push_time: row.push_time,
        };
        (row.child_id, accessory)
    });
    Ok(rows.collect())
}

/// Which of what refers to a digest, which part of it, and in which order.
#[derive(Debug, Clone)]
pub(in crate::features::repository) struct AccessoriesWanted<'a> {
    pub(in crate::features::repository) digest: TextFilter,
    /// Harbor's names of kinds.
    pub(in crate::features::repository) kinds: Option<Vec<String>>,
    /// `creation_time`, `size`, `digest` or `id`.
    pub(in crate::features::repository) sort: &'a str,
    pub(in crate::features::repository) down: bool,
    pub(in crate::features::repository) limit: Option<i64>,
    pub(in crate::features::repository) offset: i64,
}

/// Lists what refers to a digest of a repository.
pub(in crate::features::repository) async fn list_accessories(
    conn: &mut PgConnection,
    repository_id: i64,
    subject: &str,
    wanted: &AccessoriesWanted<'_>,
) -> Result<Vec<AccessoryRow>> {
    let (types, others) = wanted.kinds.as_deref().map(kind::accessory_types).unzip();
    let rows = sqlx::query_as!(
        AccessoryRow,
        r#"SELECT a.id, s.id AS "subject_id?", a.subject_digest AS "subject_digest!", a.digest, a.artifact_type,
                  a.content_size, a.push_time
           FROM manifests a
           LEFT JOIN manifests s ON s.repository_id = a.repository_id AND s.digest = a.subject_digest
           WHERE a.repository_id = $1 AND a.subject_digest = $2
             AND ($3::text[] IS NULL OR a.digest = ANY ($3)) AND ($4::text IS NULL OR a.digest ILIKE $4)
             AND ($5::text[] IS NULL OR a.artifact_type = ANY ($5)
                  OR ($6 AND coalesce(a.artifact_type, '') <> ALL ($7::text[])))
           ORDER BY CASE WHEN $8 = 'creation_time' AND $9 THEN a.push_time END DESC,
                    CASE WHEN $8 = 'creation_time' AND NOT $9 THEN a.push_time END,
                    CASE WHEN $8 = 'size' AND $9 THEN a.content_size END DESC,
                    CASE WHEN $8 = 'size' AND NOT $9 THEN a.content_size END,
                    CASE WHEN $8 = 'digest' AND $9 THEN a.digest END DESC,
                    CASE WHEN $8 = 'digest' AND NOT $9 THEN a.digest END,
                    CASE WHEN $9 THEN a.id END DESC, a.id
           LIMIT $10 OFFSET $11"#,
        repository_id,
        subject,
        wanted.digest.any.as_deref() as Option<&[String]>,
        wanted.digest.pattern.as_deref(),
        types.as_deref() as Option<&[String]>,
        others.unwrap_or(false),
        &kind::named_accessory_types(),
        wanted.sort,
        wanted.down,
        wanted.limit,
        wanted.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Counts what refers to a digest of a repository.
pub(in crate::features::repository) async fn count_accessories(
    conn: &mut PgConnection,
    repository_id: i64,
    subject: &str,
    wanted: &AccessoriesWanted<'_>,
) -> Result<i64> {
    let (types, others) = wanted.kinds.as_deref().map(kind::accessory_types).unzip();
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM manifests a
           WHERE a.repository_id = $1 AND a.subject_digest = $2
             AND ($3::text[] IS NULL OR a.digest = ANY ($3)) AND ($4::text IS NULL OR a.digest ILIKE $4)
             AND ($5::text[] IS NULL OR a.artifact_type = ANY ($5)
                  OR ($6 AND coalesce(a.artifact_type, '') <> ALL ($7::text[])))"#,
        repository_id,
        subject,
        wanted.digest.any.as_deref() as Option<&[String]>,
        wanted.digest.pattern.as_deref(),
        types.as_deref() as Option<&[String]>,
        others.unwrap_or(false),
        &kind::named_accessory_types(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Those of these digests that nothing holds any more: no tag, no index.
pub(in crate::features::repository) async fn forsaken(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        "SELECT m.digest FROM manifests m
         WHERE m.repository_id = $1 AND m.digest = ANY ($2)
           AND NOT EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id)
           AND NOT EXISTS (SELECT FROM manifest_references f JOIN manifests i ON i.id = f.manifest_id
                           WHERE f.digest = m.digest AND f.kind = 'child' AND i.repository_id = m.repository_id)
         ORDER BY m.digest",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}
