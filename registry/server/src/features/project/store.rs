//! Rows of projects.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::request::query::TextFilter;
use crate::features::sight::Sight;

/// A project as it is answered.
#[derive(Debug, Clone)]
pub(super) struct ProjectRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) owner_id: i64,
    pub(super) owner_name: String,
    pub(super) public: bool,
    pub(super) registry_id: Option<i64>,
    pub(super) metadata: Value,
    pub(super) cve_allowlist: Value,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) repo_count: i64,
    /// The asking user's role.
    pub(super) roles: Vec<i16>,
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) name: TextFilter,
    /// Another pattern on the name (the parameter `name`).
    pub(super) name_pattern: Option<String>,
    pub(super) public: Option<bool>,
    pub(super) owner: Option<String>,
    pub(super) owner_id: Option<i64>,
    pub(super) id: Option<i64>,
}

/// Which part of the list, and in which order.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub(super) sort: &'static str,
    pub(super) down: bool,
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// Counts the projects that are seen and wanted.
pub(super) async fn count(conn: &mut PgConnection, sight: &Sight, wanted: &Wanted) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM projects p JOIN users u ON u.id = p.owner_id
           WHERE p.deleted_at IS NULL
             AND ($1 OR p.public OR p.name = ANY ($3)
                  OR EXISTS (SELECT FROM project_roles m WHERE m.project_id = p.id AND m.user_id = $2))
             AND ($4::text[] IS NULL OR p.name = ANY ($4))
             AND ($5::text IS NULL OR p.name ILIKE $5)
             AND ($6::text IS NULL OR p.name ILIKE $6)
             AND ($7::boolean IS NULL OR p.public = $7)
             AND ($8::text IS NULL OR u.username = $8)
             AND ($9::bigint IS NULL OR p.owner_id = $9)
             AND ($10::bigint IS NULL OR p.id = $10)"#,
        sight.all,
        sight.user_id,
        &sight.names,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        wanted.name_pattern.as_deref(),
        wanted.public,
        wanted.owner.as_deref(),
        wanted.owner_id,
        wanted.id,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists the projects that are seen and wanted. The page is cut before anything is counted: what is skipped costs no count.
pub(super) async fn list(
    conn: &mut PgConnection,
    sight: &Sight,
    wanted: &Wanted,
    cut: &Cut,
) -> Result<Vec<ProjectRow>> {
    let rows = sqlx::query_as!(
        ProjectRow,
        r#"SELECT page.id AS "id!", page.name AS "name!", page.owner_id AS "owner_id!", page.username AS "owner_name!",
                  page.public AS "public!", page.registry_id, page.metadata AS "metadata!", page.cve_allowlist AS "cve_allowlist!",
                  page.created_at AS "created_at!", page.updated_at AS "updated_at!",
                  (SELECT count(*) FROM repositories r WHERE r.project_id = page.id AND r.pushed_at IS NOT NULL)
                      AS "repo_count!",
                  ARRAY(SELECT DISTINCT m.role FROM project_roles m WHERE m.project_id = page.id AND m.user_id = $2)
                      AS "roles!"
           FROM (SELECT p.id, p.name, p.owner_id, u.username, p.public, p.registry_id, p.metadata, p.cve_allowlist, p.created_at, p.updated_at
           FROM projects p JOIN users u ON u.id = p.owner_id
           WHERE p.deleted_at IS NULL
             AND ($1 OR p.public OR p.name = ANY ($3)
                  OR EXISTS (SELECT FROM project_roles m WHERE m.project_id = p.id AND m.user_id = $2))
             AND ($4::text[] IS NULL OR p.name = ANY ($4))
             AND ($5::text IS NULL OR p.name ILIKE $5)
             AND ($6::text IS NULL OR p.name ILIKE $6)
             AND ($7::boolean IS NULL OR p.public = $7)
             AND ($8::text IS NULL OR u.username = $8)
             AND ($9::bigint IS NULL OR p.owner_id = $9)
             AND ($10::bigint IS NULL OR p.id = $10)
           ORDER BY CASE WHEN $11 = 'name' AND $12 THEN p.name END DESC,
                    CASE WHEN $11 = 'name' AND NOT $12 THEN p.name END,
                    CASE WHEN $11 = 'creation_time' AND $12 THEN p.created_at END DESC,
                    CASE WHEN $11 = 'creation_time' AND NOT $12 THEN p.created_at END,
                    CASE WHEN $11 = 'update_time' AND $12 THEN p.updated_at END DESC,
                    CASE WHEN $11 = 'update_time' AND NOT $12 THEN p.updated_at END,
                    CASE WHEN $12 THEN p.id END DESC, p.id
           LIMIT $13 OFFSET $14) AS page"#,
        sight.all,
        sight.user_id,
        &sight.names,
        wanted.name.any.as_deref() as Option<&[String]>,
        wanted.name.pattern.as_deref(),
        wanted.name_pattern.as_deref(),
        wanted.public,
        wanted.owner.as_deref(),
        wanted.owner_id,
        wanted.id,
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The administrator with the lowest id: the owner of what robots and the operator create.
pub(super) async fn first_administrator(conn: &mut PgConnection) -> Result<Option<i64>> {
    let id =
        sqlx::query_scalar!("SELECT id FROM users WHERE sysadmin AND deleted_at IS NULL ORDER BY id LIMIT 1")
            .fetch_optional(conn)
            .await?;
    Ok(id)
}

/// A project to be.
pub(super) struct NewProject<'a> {
    pub(super) name: &'a str,
    pub(super) owner_id: i64,
    pub(super) public: bool,
    pub(super) metadata: Value,
    pub(super) cve_allowlist: Value,
    pub(super) storage_limit: i64,
    pub(super) owner_mark: Option<Value>,
    pub(super) registry_id: Option<i64>,
}

/// Makes a project; `None` where the name is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project: NewProject<'_>,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO projects (name, owner_id, public, metadata, cve_allowlist, storage_limit, owner_mark,
                               registry_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $9, $8, $8)
         ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING
         RETURNING id",
        project.name,
        project.owner_id,
        project.public,
        project.metadata,
        project.cve_allowlist,
        project.storage_limit,
        project.owner_mark,
        now,
        project.registry_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Makes the creator the new project's administrator.
pub(super) async fn insert_first_member(
    conn: &mut PgConnection,
    project_id: i64,
    user_id: i64,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $2, 1)",
        project_id,
        user_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes settings; those that are not named stay.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    public: Option<bool>,
    metadata: &Value,
    cve_allowlist: Option<&Value>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE projects SET public = coalesce($2, public), metadata = metadata || $3,
                             cve_allowlist = coalesce($4, cve_allowlist), updated_at = $5
         WHERE id = $1",
        id,
        public,
        metadata,
        cve_allowlist,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a project against everything that would add to it; false where it is gone.
pub(super) async fn lock(conn: &mut PgConnection, id: i64) -> Result<bool> {
    let row = sqlx::query_scalar!(
        "SELECT id FROM projects WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Repositories that are shown, and the manifests in them.
pub(super) async fn content(conn: &mut PgConnection, id: i64) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(DISTINCT r.id) AS "repositories!", count(m.id) AS "manifests!"
           FROM repositories r LEFT JOIN manifests m ON m.repository_id = r.id
           WHERE r.project_id = $1 AND r.pushed_at IS NOT NULL"#,
        id,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.repositories, row.manifests))
}

/// All repositories of a project, those that are not shown too.
pub(super) async fn repositories(conn: &mut PgConnection, id: i64) -> Result<Vec<i64>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM repositories WHERE project_id = $1 ORDER BY id",
        id
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Takes a project away with its members and robots, and the permissions of other robots on its name, so
/// that a later project of the same name does not open to them. The row stays, for the audit log.
pub(super) async fn delete(conn: &mut PgConnection, now: DateTime<Utc>, id: i64, name: &str) -> Result<()> {
    sqlx::query!("DELETE FROM immutable_rules WHERE project_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM labels WHERE project_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM robots WHERE project_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM project_members WHERE project_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "UPDATE robots r
         SET permissions = (SELECT coalesce(jsonb_agg(g ORDER BY place), '[]')
                            FROM jsonb_array_elements(r.permissions) WITH ORDINALITY AS e (g, place)
                            WHERE NOT (g ->> 'kind' = 'project' AND g ->> 'namespace' = $1))
         WHERE permissions @> jsonb_build_array(jsonb_build_object('kind', 'project', 'namespace', $1::text))",
        name,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE projects SET deleted_at = $2, updated_at = $2, owner_mark = NULL, registry_id = NULL WHERE id = $1",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Members by role, limit and use.
pub(super) struct SummaryRow {
    pub(super) repo_count: i64,
    pub(super) admins: i64,
    pub(super) maintainers: i64,
    pub(super) developers: i64,
    pub(super) guests: i64,
    pub(super) limited_guests: i64,
    pub(super) storage_limit: i64,
    pub(super) storage_used: i64,
}

/// Counts of a project.
pub(super) async fn summary(conn: &mut PgConnection, id: i64) -> Result<SummaryRow> {
    let row = sqlx::query_as!(
        SummaryRow,
        r#"SELECT p.storage_limit,
                  (SELECT count(*) FROM repositories r WHERE r.project_id = p.id AND r.pushed_at IS NOT NULL)
                      AS "repo_count!",
                  count(m.id) FILTER (WHERE m.role = 1) AS "admins!",
                  count(m.id) FILTER (WHERE m.role = 4) AS "maintainers!",
                  count(m.id) FILTER (WHERE m.role = 2) AS "developers!",
                  count(m.id) FILTER (WHERE m.role = 3) AS "guests!",
                  count(m.id) FILTER (WHERE m.role = 5) AS "limited_guests!",
                  (SELECT coalesce(sum(u.used), 0)::bigint FROM project_usage u
                   WHERE u.project_id = p.id) AS "storage_used!"
           FROM projects p LEFT JOIN project_members m ON m.project_id = p.id
           WHERE p.id = $1 GROUP BY p.id"#,
        id,
    )
    .fetch_one(conn)
    .await?;
    Ok(row)
}

/// Counts over all projects.
pub(super) struct StatisticsRow {
    pub(super) public_projects: i64,
    pub(super) public_repositories: i64,
    pub(super) private_projects: i64,
    pub(super) private_repositories: i64,
    pub(super) storage: i64,
}

/// Counts over all public projects and those private ones that are seen.
pub(super) async fn statistics(conn: &mut PgConnection, sight: &Sight) -> Result<StatisticsRow> {
    let row = sqlx::query_as!(
        StatisticsRow,
        r#"WITH held AS (SELECT project_id, count(*) AS repositories FROM repositories WHERE pushed_at IS NOT NULL GROUP BY 1),
           seen AS (
               SELECT p.id, p.public, h.repositories
               FROM projects p LEFT JOIN held h ON h.project_id = p.id
               WHERE p.deleted_at IS NULL
                 AND ($1 OR p.public OR p.name = ANY ($3)
                      OR EXISTS (SELECT FROM project_roles m WHERE m.project_id = p.id AND m.user_id = $2)))
           SELECT count(*) FILTER (WHERE public) AS "public_projects!",
                  coalesce(sum(repositories) FILTER (WHERE public), 0)::bigint AS "public_repositories!",
                  count(*) FILTER (WHERE NOT public) AS "private_projects!",
                  coalesce(sum(repositories) FILTER (WHERE NOT public), 0)::bigint AS "private_repositories!",
                  (SELECT coalesce(sum(u.used), 0)::bigint FROM project_usage u JOIN seen s ON s.id = u.project_id) AS "storage!"
           FROM seen"#,
        sight.all,
        sight.user_id,
        &sight.names,
    )
    .fetch_one(conn)
    .await?;
    Ok(row)
}
