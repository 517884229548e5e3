//! Look-ups of lists.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// Tags behind a name.
pub(crate) async fn tags(
    conn: &mut PgConnection,
    repository_id: i64,
    last: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT name FROM tags WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3",
        repository_id,
        last,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}

/// Repositories that have been pushed to, of projects that exist, behind a name.
pub(crate) async fn repositories(conn: &mut PgConnection, last: &str, limit: i64) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT r.name FROM repositories r JOIN projects p ON p.id = r.project_id
         WHERE r.name > $1 AND r.pushed_at IS NOT NULL AND p.deleted_at IS NULL ORDER BY r.name LIMIT $2",
        last,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}

/// A manifest that names a subject.
pub(crate) struct ReferrerRow {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size: i32,
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: Value,
}

/// Manifests of a repository (project and name) that name this subject and have this type, behind a digest.
pub(crate) async fn referrers(
    conn: &mut PgConnection,
    (project_id, repository): (i64, &str),
    (subject, artifact_type): (&str, Option<&str>),
    last: &str,
    limit: i64,
) -> Result<Vec<ReferrerRow>> {
    let rows = sqlx::query_as!(
        ReferrerRow,
        r#"SELECT m.digest, m.media_type, octet_length(m.bytes) AS "size!", m.artifact_type, m.annotations
           FROM repositories r JOIN manifests m ON m.repository_id = r.id
           WHERE r.name = $2 AND r.project_id = $1 AND m.subject_digest = $3
             AND ($4::text IS NULL OR m.artifact_type = $4) AND m.digest > $5
           ORDER BY m.digest LIMIT $6"#,
        project_id,
        repository,
        subject,
        artifact_type,
        last,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
