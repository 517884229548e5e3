//! Rows of copies.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// A manifest of a repository, the children of indexes, and what refers to any of them: by `subject`, or by a tag
/// that is made of the digest (`sha256-<hex>`, also with `.sig`, `.att` or `.sbom`). Digests, sorted.
pub(super) async fn tree(conn: &mut PgConnection, repository_id: i64, digest: &str) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        r#"WITH RECURSIVE tree (id, digest) AS (
               SELECT id, digest FROM manifests WHERE repository_id = $1 AND digest = $2
               UNION
               SELECT next.id, next.digest
               FROM tree t
               CROSS JOIN LATERAL (
                   SELECT m.id, m.digest
                   FROM manifest_references f JOIN manifests m ON m.repository_id = $1 AND m.digest = f.digest
                   WHERE f.manifest_id = t.id AND f.kind = 'child'
                   UNION ALL
                   SELECT m.id, m.digest FROM manifests m WHERE m.repository_id = $1 AND m.subject_digest = t.digest
                   UNION ALL
                   SELECT m.id, m.digest
                   FROM unnest(ARRAY ['', '.sig', '.att', '.sbom']) AS s (suffix)
                   JOIN tags g ON g.repository_id = $1 AND g.name = replace(t.digest, ':', '-') || s.suffix
                   JOIN manifests m ON m.id = g.manifest_id
               ) AS next
           )
           SELECT digest AS "digest!" FROM tree ORDER BY digest"#,
        repository_id,
        digest,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}

/// Blobs that these manifests of a repository point at, sorted, each once.
pub(super) async fn blobs(
    conn: &mut PgConnection,
    repository_id: i64,
    manifests: &[String],
) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        "SELECT DISTINCT f.digest FROM manifests m JOIN manifest_references f ON f.manifest_id = m.id
         WHERE m.repository_id = $1 AND m.digest = ANY ($2) AND f.kind <> 'child' ORDER BY f.digest",
        repository_id,
        manifests,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}

/// Links blobs (sorted) to a repository, without a lease: their manifests come in the same transaction. Returns
/// those that were not linked.
pub(super) async fn insert_links(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<String>> {
    let digests = sqlx::query_scalar!(
        "INSERT INTO repository_blobs (repository_id, digest, leased_until, leases)
         SELECT $1, d, $3, 0 FROM unnest($2::text[]) AS d
         ON CONFLICT (repository_id, digest) DO NOTHING RETURNING digest",
        repository_id,
        digests,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(digests)
}

/// A manifest that was copied.
pub(super) struct FreshRow {
    pub(super) id: i64,
    pub(super) digest: String,
    /// Its own bytes.
    pub(super) size: i64,
}

/// Copies the manifests of these digests; returns those that were not there.
pub(super) async fn insert_manifests(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    source_id: i64,
    target_id: i64,
    digests: &[String],
) -> Result<Vec<FreshRow>> {
    let rows = sqlx::query_as!(
        FreshRow,
        r#"INSERT INTO manifests (repository_id, digest, media_type, artifact_type, is_index, config_digest,
                                  config_media_type, subject_digest, annotations, config, bytes, content_size, push_time)
           SELECT $2, digest, media_type, artifact_type, is_index, config_digest, config_media_type, subject_digest,
                  annotations, config, bytes, content_size, $4
           FROM manifests WHERE repository_id = $1 AND digest = ANY ($3) ORDER BY digest
           ON CONFLICT (repository_id, digest) DO NOTHING
           RETURNING id, digest, octet_length(bytes)::bigint AS "size!""#,
        source_id,
        target_id,
        digests,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Copies what manifests that were just copied point at.
pub(super) async fn insert_references(
    conn: &mut PgConnection,
    source_id: i64,
    manifest_ids: &[i64],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO manifest_references (manifest_id, position, kind, digest, descriptor)
         SELECT n.id, f.position, f.kind, f.digest, f.descriptor
         FROM manifests n
         JOIN manifests o ON o.repository_id = $1 AND o.digest = n.digest
         JOIN manifest_references f ON f.manifest_id = o.id
         WHERE n.id = ANY ($2)",
        source_id,
        manifest_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tags on a manifest, sorted.
pub(super) async fn tags_of(
    conn: &mut PgConnection,
    repository_id: i64,
    digest: &str,
) -> Result<Vec<String>> {
    let tags = sqlx::query_scalar!(
        "SELECT t.name FROM tags t JOIN manifests m ON m.id = t.manifest_id
         WHERE m.repository_id = $1 AND m.digest = $2 ORDER BY t.name",
        repository_id,
        digest,
    )
    .fetch_all(conn)
    .await?;
    Ok(tags)
}

/// Tags that are made of the digests of these manifests, and what they stand on, as far as that is one of them.
pub(super) async fn linking_tags(
    conn: &mut PgConnection,
    repository_id: i64,
    digests: &[String],
) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "SELECT t.name, m.digest
         FROM unnest($2::text[]) AS d (digest)
         CROSS JOIN unnest(ARRAY ['', '.sig', '.att', '.sbom']) AS s (suffix)
         JOIN tags t ON t.repository_id = $1 AND t.name = replace(d.digest, ':', '-') || s.suffix
         JOIN manifests m ON m.id = t.manifest_id AND m.digest = ANY ($2)
         ORDER BY t.name",
        repository_id,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.digest)).collect())
}

/// What an event tells of a manifest.
pub(super) struct Described {
    pub(super) digest: String,
    pub(super) media_type: String,
    pub(super) artifact_type: Option<String>,
    pub(super) subject_digest: Option<String>,
}

/// Describes manifests of a repository, by digest.
pub(super) async fn described(
    conn: &mut PgConnection,
    repository: &str,
    digests: &[String],
) -> Result<Vec<Described>> {
    let rows = sqlx::query_as!(
        Described,
        "SELECT m.digest, m.media_type, m.artifact_type, m.subject_digest
         FROM repositories r JOIN manifests m ON m.repository_id = r.id
         WHERE r.name = $1 AND m.digest = ANY ($2) ORDER BY m.digest",
        repository,
        digests,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
