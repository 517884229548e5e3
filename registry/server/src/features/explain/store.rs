//! What a reference stands on.

use sqlx::PgConnection;

use crate::error::Result;

/// A repository, and the manifest that was asked for.
pub(super) struct FoundRow {
    pub(super) repository_id: i64,
    pub(super) digest: Option<String>,
    /// Tags that stand on the manifest.
    pub(super) tags: Vec<String>,
    /// An index that has it as a part.
    pub(super) parent: Option<String>,
}

/// The repository of this name, with the manifest behind a tag or digest where there is one.
pub(super) async fn find(
    conn: &mut PgConnection,
    (project_id, repository): (i64, &str),
    tag: Option<&str>,
    digest: Option<&str>,
) -> Result<Option<FoundRow>> {
    let row = sqlx::query_as!(
        FoundRow,
        r#"SELECT r.id AS "repository_id!", m.digest AS "digest?",
                  ARRAY(SELECT t.name FROM tags t WHERE t.manifest_id = m.id ORDER BY t.name) AS "tags!",
                  (SELECT i.digest FROM manifest_references f JOIN manifests i ON i.id = f.manifest_id
                   WHERE f.digest = m.digest AND f.kind = 'child' AND i.repository_id = r.id LIMIT 1) AS parent
           FROM repositories r
           LEFT JOIN manifests m ON m.repository_id = r.id
                AND (m.digest = $4
                     OR m.id = (SELECT t.manifest_id FROM tags t WHERE t.repository_id = r.id AND t.name = $3))
           WHERE r.project_id = $1 AND r.name = $2"#,
        project_id,
        repository,
        tag,
        digest,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}
