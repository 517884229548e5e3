//! What this registry has.

use sqlx::PgConnection;

use crate::error::Result;

/// A manifest with its bytes.
#[derive(Debug, Clone)]
pub(super) struct ManifestRow {
    pub(super) digest: String,
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
}

/// Reads what a tag or digest of a repository stands for.
pub(super) async fn manifest(
    conn: &mut PgConnection,
    repository: &str,
    tag: Option<&str>,
    digest: Option<&str>,
) -> Result<Option<ManifestRow>> {
    let row = sqlx::query_as!(
        ManifestRow,
        "SELECT m.digest, m.media_type, m.bytes FROM repositories r JOIN manifests m ON m.repository_id = r.id
         WHERE r.name = $1
           AND (m.digest = $3 OR m.id = (SELECT t.manifest_id FROM tags t WHERE t.repository_id = r.id AND t.name = $2))",
        repository,
        tag,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// What refers to a manifest: digests by subject, tags that are made of its digest.
pub(super) async fn kin(
    conn: &mut PgConnection,
    repository: &str,
    digest: &str,
    prefix: &str,
) -> Result<Vec<String>> {
    let found = sqlx::query_scalar!(
        r#"SELECT m.digest AS "reference!" FROM repositories r JOIN manifests m ON m.repository_id = r.id
           WHERE r.name = $1 AND m.subject_digest = $2
           UNION ALL
           SELECT t.name FROM repositories r JOIN tags t ON t.repository_id = r.id
           WHERE r.name = $1 AND t.name >= $3 || '.' AND t.name < $3 || '/'"#,
        repository,
        digest,
        prefix,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Repositories that have a blob.
pub(super) async fn holders(conn: &mut PgConnection, digest: &str, limit: i64) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT r.name FROM repository_blobs b JOIN repositories r ON r.id = b.repository_id
         WHERE b.digest = $1 ORDER BY r.id LIMIT $2",
        digest,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}

/// A repository.
#[derive(Debug, Clone)]
pub(in super::super) struct RepositoryRow {
    pub(in super::super) id: i64,
    pub(in super::super) name: String,
}

/// A page of all repositories that were pushed to, or those of these projects, behind this id.
pub(in super::super) async fn repositories(
    conn: &mut PgConnection,
    projects: Option<&[String]>,
    after: i64,
    limit: i64,
) -> Result<Vec<RepositoryRow>> {
    let rows = sqlx::query_as!(
        RepositoryRow,
        "SELECT r.id, r.name FROM repositories r JOIN projects p ON p.id = r.project_id
         WHERE p.deleted_at IS NULL AND r.pushed_at IS NOT NULL AND r.id > $2
           AND ($1::text[] IS NULL OR p.name = ANY ($1))
         ORDER BY r.id LIMIT $3",
        projects,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// An artifact as filters see it.
#[derive(Debug, Clone)]
pub(in super::super) struct ArtifactRow {
    pub(in super::super) id: i64,
    pub(in super::super) digest: String,
    pub(in super::super) tags: Vec<String>,
    pub(in super::super) labels: Vec<String>,
}

/// A page of a repository's artifacts behind this id: what has tags, and what nothing else brings along.
pub(in super::super) async fn artifacts(
    conn: &mut PgConnection,
    repository_id: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<ArtifactRow>> {
    let rows = sqlx::query_as!(
        ArtifactRow,
        r#"SELECT m.id, m.digest, coalesce(t.names, '{}') AS "tags!", coalesce(l.names, '{}') AS "labels!"
           FROM manifests m
           LEFT JOIN LATERAL (SELECT array_agg(name ORDER BY name) AS names FROM tags WHERE manifest_id = m.id) t ON true
           LEFT JOIN LATERAL (
               SELECT array_agg(l.name) AS names FROM artifact_labels a JOIN labels l ON l.id = a.label_id
               WHERE a.manifest_id = m.id) l ON true
           WHERE m.repository_id = $1 AND m.id > $2
             AND (t.names IS NOT NULL
                  OR m.subject_digest IS NULL
                     AND NOT EXISTS (SELECT FROM manifest_references c JOIN manifests p ON p.id = c.manifest_id
                                     WHERE c.digest = m.digest AND c.kind = 'child' AND p.repository_id = $1))
           ORDER BY m.id LIMIT $3"#,
        repository_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The tags of the artifact that a manifest belongs to: its own, or those of what it refers to in the end.
pub(in super::super) async fn tags_of(
    conn: &mut PgConnection,
    repository: &str,
    digest: &str,
) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        r#"WITH RECURSIVE up AS (
               SELECT m.id, m.repository_id, m.subject_digest, 1 AS depth
               FROM repositories r JOIN manifests m ON m.repository_id = r.id WHERE r.name = $1 AND m.digest = $2
               UNION
               SELECT s.id, s.repository_id, s.subject_digest, up.depth + 1
               FROM up JOIN manifests s ON s.repository_id = up.repository_id AND s.digest = up.subject_digest
               WHERE up.depth < 20)
           SELECT DISTINCT t.name AS "name!" FROM up JOIN tags t ON t.manifest_id = up.id"#,
        repository,
        digest,
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}

/// Is the tag, or the digest, in the repository?
pub(in super::super) async fn is_there(
    conn: &mut PgConnection,
    repository: &str,
    reference: &str,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM repositories r JOIN manifests m ON m.repository_id = r.id
                          WHERE r.name = $1 AND m.digest = $2)
               OR EXISTS (SELECT FROM repositories r JOIN tags t ON t.repository_id = r.id
                          WHERE r.name = $1 AND t.name = $2) AS "found!""#,
        repository,
        reference,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}
