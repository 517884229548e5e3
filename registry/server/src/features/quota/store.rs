//! Rows of quotas.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// A quota as it is answered.
pub(super) struct QuotaRow {
    pub(super) project_id: i64,
    pub(super) project_name: String,
    pub(super) owner_name: String,
    pub(super) storage_limit: i64,
    pub(super) used: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// Which part of the list, and in which order.
pub(super) struct Cut {
    pub(super) sort: &'static str,
    pub(super) down: bool,
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// Counts quotas.
pub(super) async fn count(conn: &mut PgConnection, project_id: Option<i64>) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM projects
           WHERE deleted_at IS NULL AND ($1::bigint IS NULL OR id = $1)"#,
        project_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists quotas; no limit is larger than any.
pub(super) async fn list(
    conn: &mut PgConnection,
    project_id: Option<i64>,
    cut: &Cut,
) -> Result<Vec<QuotaRow>> {
    let rows = sqlx::query_as!(
        QuotaRow,
        r#"SELECT q.project_id AS "project_id!", q.project_name AS "project_name!", q.owner_name AS "owner_name!",
                  q.storage_limit AS "storage_limit!", q.used AS "used!", q.created_at AS "created_at!",
                  q.updated_at AS "updated_at!"
           FROM (SELECT p.id AS project_id, p.name AS project_name, u.username AS owner_name, p.storage_limit,
                        p.created_at, p.updated_at,
                        nullif(p.storage_limit, -1) AS hard,
                        (SELECT coalesce(sum(u.used), 0)::bigint FROM project_usage u
                         WHERE u.project_id = p.id) AS used
                 FROM projects p JOIN users u ON u.id = p.owner_id
                 WHERE p.deleted_at IS NULL AND ($1::bigint IS NULL OR p.id = $1)) q
           ORDER BY CASE WHEN $2 = 'hard.storage' AND $3 THEN q.hard END DESC NULLS FIRST,
                    CASE WHEN $2 = 'hard.storage' AND NOT $3 THEN q.hard END NULLS LAST,
                    CASE WHEN $2 = 'used.storage' AND $3 THEN q.used END DESC,
                    CASE WHEN $2 = 'used.storage' AND NOT $3 THEN q.used END,
                    CASE WHEN $2 = 'creation_time' AND $3 THEN q.created_at END DESC,
                    CASE WHEN $2 = 'creation_time' AND NOT $3 THEN q.created_at END,
                    CASE WHEN $2 = 'update_time' AND $3 THEN q.updated_at END DESC,
                    CASE WHEN $2 = 'update_time' AND NOT $3 THEN q.updated_at END,
                    CASE WHEN $3 THEN q.project_id END DESC, q.project_id
           LIMIT $4 OFFSET $5"#,
        project_id,
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Changes a limit and returns the project's name and the limit before; `None`: no such quota.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    limit: i64,
) -> Result<Option<(String, i64)>> {
    let row = sqlx::query!(
        r#"UPDATE projects p SET storage_limit = $2, updated_at = $3
           FROM (SELECT id, storage_limit FROM projects WHERE id = $1 FOR UPDATE) before
           WHERE p.id = before.id AND p.deleted_at IS NULL
           RETURNING p.name, before.storage_limit"#,
        project_id,
        limit,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.name, row.storage_limit)))
}

/// A project's limit and what it holds; `None`: no such project.
pub(super) async fn limit_and_used(conn: &mut PgConnection, project_id: i64) -> Result<Option<(i64, i64)>> {
    let row = sqlx::query!(
        r#"SELECT p.storage_limit, (SELECT coalesce(sum(u.used), 0)::bigint FROM project_usage u
                                    WHERE u.project_id = p.id) AS "used!"
           FROM projects p WHERE p.id = $1 AND p.deleted_at IS NULL"#,
        project_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.storage_limit, row.used)))
}

/// Locks this connection's slot of each of these projects, for a transaction that gives bytes back.
pub(super) async fn lock_slots(conn: &mut PgConnection, projects: &[i64]) -> Result<()> {
    sqlx::query_scalar!(
        "SELECT slot FROM project_usage WHERE project_id = ANY ($1) AND slot = usage_slot()
         ORDER BY project_id FOR NO KEY UPDATE",
        projects,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Locks a project's limit and then all its slots, and returns the limit (none while limits are switched off); `None`: the
/// project is gone.
pub(super) async fn lock_all(conn: &mut PgConnection, project_id: i64) -> Result<Option<i64>> {
    let limit = sqlx::query_scalar!(
        "SELECT storage_limit FROM projects WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        project_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if limit.is_none() {
        return Ok(None);
    }
    sqlx::query!(
        "INSERT INTO project_usage (project_id, slot, used, granted)
         SELECT $1, slot, 0, -1 FROM generate_series(0, 15) AS slot ON CONFLICT DO NOTHING",
        project_id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "SELECT slot FROM project_usage WHERE project_id = $1 ORDER BY slot FOR NO KEY UPDATE",
        project_id,
    )
    .fetch_all(&mut *conn)
    .await?;
    // Once the slots are locked: whoever switches limits on again takes back what they were granted.
    let counts = sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM settings
                              WHERE key = 'quota_per_project_enable' AND value = 'false'::jsonb) AS "counts!""#,
    )
    .fetch_one(conn)
    .await?;
    Ok(if counts { limit } else { Some(-1) })
}

/// Grants each slot `share` bytes more than it uses, and this connection's slot `need` beside that. All are locked.
pub(super) async fn grant(conn: &mut PgConnection, project_id: i64, need: i64, share: i64) -> Result<()> {
    sqlx::query!(
        "UPDATE project_usage SET granted = used + $3 + CASE WHEN slot = usage_slot() THEN $2::bigint ELSE 0 END
         WHERE project_id = $1",
        project_id,
        need,
        share,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Bytes that a project holds, and those that these contents would add.
pub(super) async fn used_and_need(
    conn: &mut PgConnection,
    project_id: i64,
    digests: &[String],
    sizes: &[i64],
) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT (SELECT coalesce(sum(used), 0)::bigint FROM project_usage WHERE project_id = $1) AS "used!",
                  (SELECT coalesce(sum(size), 0)::bigint
                   FROM (SELECT DISTINCT ON (digest) digest, size FROM unnest($2::text[], $3::bigint[]) AS n (digest, size)) n
                   WHERE NOT EXISTS (SELECT FROM project_blobs b
                                     WHERE b.project_id = $1 AND b.digest = n.digest AND b.links > 0)) AS "need!""#,
        project_id,
        digests,
        sizes,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.used, row.need))
}
