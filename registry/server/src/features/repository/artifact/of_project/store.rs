//! Rows of a project's artifacts.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::repository::artifact::store::{ArtifactRow, Wanted};
use crate::features::repository::store::Cut;

/// Which of a project's repositories, and how much of each.
#[derive(Debug, Clone, Default)]
pub(in crate::features::repository) struct Scope {
    /// Only this one, by its full name.
    pub(in crate::features::repository) repository: Option<String>,
    /// Of each only the newest artifact that is wanted.
    pub(in crate::features::repository) latest: bool,
}

/// An artifact, and where it is.
#[derive(Debug, Clone)]
pub(super) struct FoundRow {
    pub(super) repository_id: i64,
    pub(super) repository: String,
    id: i64,
    digest: String,
    media_type: String,
    artifact_type: Option<String>,
    is_index: bool,
    config_media_type: Option<String>,
    annotations: Value,
    config: Option<Value>,
    content_size: i64,
    push_time: DateTime<Utc>,
    pull_time: Option<DateTime<Utc>>,
}

impl FoundRow {
    /// The artifact alone.
    pub(super) fn into_artifact(self) -> ArtifactRow {
        ArtifactRow {
            id: self.id,
            digest: self.digest,
            media_type: self.media_type,
            artifact_type: self.artifact_type,
            is_index: self.is_index,
            config_media_type: self.config_media_type,
            annotations: self.annotations,
            config: self.config,
            content_size: self.content_size,
            push_time: self.push_time,
            pull_time: self.pull_time,
        }
    }
}

/// Counts the artifacts of a project that are wanted.
pub(super) async fn count(
    conn: &mut PgConnection,
    project_id: i64,
    scope: &Scope,
    wanted: &Wanted,
) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT CASE WHEN $11 THEN count(DISTINCT m.repository_id) ELSE count(*) END AS "total!"
           FROM repositories r JOIN manifests m ON m.repository_id = r.id
           WHERE r.project_id = $1 AND r.pushed_at IS NOT NULL AND m.subject_digest IS NULL
             AND ($2 OR NOT EXISTS (SELECT FROM manifest_references f JOIN manifests i ON i.id = f.manifest_id
                                    WHERE f.digest = m.digest AND f.kind = 'child' AND i.repository_id = m.repository_id)
                  OR EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id))
             AND ($3::boolean IS NULL OR $3 = EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id))
             AND ($4::text IS NULL OR EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id AND t.name = $4))
             AND ($5::text IS NULL OR EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id AND t.name LIKE $5))
             AND ($6::text IS NULL OR m.digest = $6)
             AND ($7::text IS NULL OR m.artifact_type = $7)
             AND ($8::text IS NULL OR coalesce(m.config_media_type, m.media_type) = $8)
             AND ($9::bigint[] IS NULL OR cardinality($9) = (SELECT count(*) FROM artifact_labels l
                                                             WHERE l.manifest_id = m.id AND l.label_id = ANY ($9)))
             AND ($10::text IS NULL OR r.name = $10)"#,
        project_id,
        wanted.with_children,
        wanted.tagged,
        wanted.tag.as_deref(),
        wanted.tag_pattern.as_deref(),
        wanted.digest.as_deref(),
        wanted.artifact_type.as_deref(),
        wanted.media_type.as_deref(),
        wanted.labels.as_deref() as Option<&[i64]>,
        scope.repository.as_deref(),
        scope.latest,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists the artifacts of a project that are wanted.
pub(super) async fn list(
    conn: &mut PgConnection,
    project_id: i64,
    scope: &Scope,
    wanted: &Wanted,
    cut: &Cut,
) -> Result<Vec<FoundRow>> {
    let rows = sqlx::query_as!(
        FoundRow,
        r#"WITH found AS (
               SELECT m.id, r.id AS repository_id, r.name AS repository, m.push_time, m.pull_time, m.content_size,
                      row_number() OVER (PARTITION BY m.repository_id ORDER BY m.push_time DESC, m.id DESC) AS place
               FROM repositories r JOIN manifests m ON m.repository_id = r.id
               WHERE r.project_id = $1 AND r.pushed_at IS NOT NULL AND m.subject_digest IS NULL
                 AND ($2 OR NOT EXISTS (SELECT FROM manifest_references f JOIN manifests i ON i.id = f.manifest_id
                                        WHERE f.digest = m.digest AND f.kind = 'child'
                                          AND i.repository_id = m.repository_id)
                      OR EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id))
                 AND ($3::boolean IS NULL OR $3 = EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id))
                 AND ($4::text IS NULL OR EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id AND t.name = $4))
                 AND ($5::text IS NULL OR EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id AND t.name LIKE $5))
                 AND ($6::text IS NULL OR m.digest = $6)
                 AND ($7::text IS NULL OR m.artifact_type = $7)
                 AND ($8::text IS NULL OR coalesce(m.config_media_type, m.media_type) = $8)
                 AND ($9::bigint[] IS NULL OR cardinality($9) = (SELECT count(*) FROM artifact_labels l
                                                                 WHERE l.manifest_id = m.id AND l.label_id = ANY ($9)))
                 AND ($10::text IS NULL OR r.name = $10)
           ), part AS (
               SELECT * FROM found WHERE NOT $11 OR place = 1
               ORDER BY CASE WHEN $12 = 'push_time' AND NOT $13 THEN push_time END,
                        CASE WHEN $12 = 'pull_time' AND $13 THEN pull_time END DESC NULLS LAST,
                        CASE WHEN $12 = 'pull_time' AND NOT $13 THEN pull_time END NULLS FIRST,
                        CASE WHEN $12 = 'size' AND $13 THEN content_size END DESC,
                        CASE WHEN $12 = 'size' AND NOT $13 THEN content_size END,
                        push_time DESC, id DESC
               LIMIT $14 OFFSET $15
           )
           SELECT p.repository_id AS "repository_id!", p.repository AS "repository!", m.id, m.digest, m.media_type,
                  m.artifact_type, m.is_index, m.config_media_type, m.annotations,
                  CASE WHEN m.config ? 'rootfs' THEN m.config - 'history' - 'rootfs' ELSE m.config END AS config,
                  m.content_size, m.push_time, m.pull_time
           FROM part p JOIN manifests m ON m.id = p.id
           ORDER BY CASE WHEN $12 = 'push_time' AND NOT $13 THEN p.push_time END,
                    CASE WHEN $12 = 'pull_time' AND $13 THEN p.pull_time END DESC NULLS LAST,
                    CASE WHEN $12 = 'pull_time' AND NOT $13 THEN p.pull_time END NULLS FIRST,
                    CASE WHEN $12 = 'size' AND $13 THEN p.content_size END DESC,
                    CASE WHEN $12 = 'size' AND NOT $13 THEN p.content_size END,
                    p.push_time DESC, p.id DESC"#,
        project_id,
        wanted.with_children,
        wanted.tagged,
        wanted.tag.as_deref(),
        wanted.tag_pattern.as_deref(),
        wanted.digest.as_deref(),
        wanted.artifact_type.as_deref(),
        wanted.media_type.as_deref(),
        wanted.labels.as_deref() as Option<&[i64]>,
        scope.repository.as_deref(),
        scope.latest,
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
