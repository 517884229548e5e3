//! Rows of repositories. One that holds nothing but unfinished pushes is not shown.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::request::query::TextFilter;
use crate::features::sight::Sight;

/// A repository as it is answered.
#[derive(Debug, Clone)]
pub(super) struct RepositoryRow {
    pub(super) id: i64,
    pub(super) project_id: i64,
    pub(super) project_name: String,
    pub(super) public: bool,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) pull_count: i64,
    pub(super) artifact_count: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// Which repositories: of one project, or of all that are seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) project_id: Option<i64>,
    pub(super) sight: Sight,
    pub(super) name: TextFilter,
}

/// Which part of a list, and in which order.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub(super) sort: &'static str,
    pub(super) down: bool,
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// Counts repositories.
pub(super) async fn count(conn: &mut PgConnection, wanted: &Wanted) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM repositories r JOIN projects p ON p.id = r.project_id
           WHERE r.pushed_at IS NOT NULL AND p.deleted_at IS NULL
             AND ($1::bigint IS NULL OR r.project_id = $1)
             AND ($2 OR p.public OR p.name = ANY ($4)
                  OR EXISTS (SELECT FROM project_roles m WHERE m.project_id = p.id AND m.user_id = $3))
             AND ($5::text[] IS NULL OR r.name = ANY ($5)) AND ($6::text IS NULL OR r.name ILIKE $6)"#,
        wanted.project_id,
        wanted.sight.all,
        wanted.sight.user_id,
        &wanted.sight.names,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists repositories. The page is cut before anything is counted.
pub(super) async fn list(conn: &mut PgConnection, wanted: &Wanted, cut: &Cut) -> Result<Vec<RepositoryRow>> {
    let rows = sqlx::query_as!(
        RepositoryRow,
        r#"SELECT page.id AS "id!", page.project_id AS "project_id!", page.project_name AS "project_name!",
                  page.public AS "public!", page.name AS "name!", page.description AS "description!",
                  page.pull_count AS "pull_count!",
                  (SELECT count(*) FROM manifests m WHERE m.repository_id = page.id AND m.subject_digest IS NULL)
                  - (SELECT count(*) FROM manifests m
                     WHERE m.repository_id = page.id AND m.subject_digest IS NULL
                       AND m.digest IN (SELECT f.digest
                                        FROM manifests i JOIN manifest_references f ON f.manifest_id = i.id
                                        WHERE i.repository_id = page.id AND i.is_index AND f.kind = 'child')
                       AND NOT EXISTS (SELECT FROM tags t WHERE t.manifest_id = m.id)) AS "artifact_count!",
                  page.created_at AS "created_at!", page.updated_at AS "updated_at!"
           FROM (SELECT r.id, r.project_id, p.name AS project_name, p.public, r.name, r.description, r.pull_count, r.created_at,
                        r.updated_at
           FROM repositories r JOIN projects p ON p.id = r.project_id
           WHERE r.pushed_at IS NOT NULL AND p.deleted_at IS NULL
             AND ($1::bigint IS NULL OR r.project_id = $1)
             AND ($2 OR p.public OR p.name = ANY ($4)
                  OR EXISTS (SELECT FROM project_roles m WHERE m.project_id = p.id AND m.user_id = $3))
             AND ($5::text[] IS NULL OR r.name = ANY ($5)) AND ($6::text IS NULL OR r.name ILIKE $6)
           ORDER BY CASE WHEN $7 = 'name' AND $8 THEN r.name END DESC,
                    CASE WHEN $7 = 'name' AND NOT $8 THEN r.name END,
                    CASE WHEN $7 = 'creation_time' AND $8 THEN r.created_at END DESC,
                    CASE WHEN $7 = 'creation_time' AND NOT $8 THEN r.created_at END,
                    CASE WHEN $7 = 'update_time' AND $8 THEN r.updated_at END DESC,
                    CASE WHEN $7 = 'update_time' AND NOT $8 THEN r.updated_at END,
                    CASE WHEN $7 = 'pull_count' AND $8 THEN r.pull_count END DESC,
                    CASE WHEN $7 = 'pull_count' AND NOT $8 THEN r.pull_count END,
                    CASE WHEN $8 THEN r.id END DESC, r.id
           LIMIT $9 OFFSET $10) AS page"#,
        wanted.project_id,
        wanted.sight.all,
        wanted.sight.user_id,
        &wanted.sight.names,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The id of a repository that is shown.
pub(super) async fn id(conn: &mut PgConnection, project_id: i64, name: &str) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM repositories WHERE project_id = $1 AND name = $2 AND pushed_at IS NOT NULL",
        project_id,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Changes a repository's description.
pub(super) async fn describe(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    description: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE repositories SET description = $2, updated_at = $3 WHERE id = $1",
        id,
        description,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
