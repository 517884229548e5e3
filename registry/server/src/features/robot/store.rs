//! Rows of robots.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;
use crate::features::request::query::TextFilter;

/// A robot as it is answered.
#[derive(Debug, Clone)]
pub(super) struct RobotRow {
    pub(super) id: i64,
    pub(super) project_id: Option<i64>,
    pub(super) project_name: Option<String>,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) duration: i64,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) disabled: bool,
    pub(super) permissions: Value,
    pub(super) creator_type: String,
    pub(super) creator_ref: i64,
    pub(super) previous_valid_until: Option<DateTime<Utc>>,
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

/// Counts the robots of a project, or of the system.
pub(super) async fn count(
    conn: &mut PgConnection,
    project_id: Option<i64>,
    name: &TextFilter,
) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM robots
           WHERE project_id IS NOT DISTINCT FROM $1
             AND ($2::text[] IS NULL OR name = ANY ($2)) AND ($3::text IS NULL OR name ILIKE $3)"#,
        project_id,
        name.any.as_deref() as Option<&[String]>,
        name.pattern.as_deref(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists the robots of a project, or of the system.
pub(super) async fn list(
    conn: &mut PgConnection,
    project_id: Option<i64>,
    name: &TextFilter,
    cut: &Cut,
) -> Result<Vec<RobotRow>> {
    let rows = sqlx::query_as!(
        RobotRow,
        r#"SELECT r.id, r.project_id, p.name AS "project_name?", r.name, r.description, r.duration, r.expires_at,
                  r.disabled, r.permissions, r.creator_type, r.creator_ref, r.previous_valid_until,
                  r.created_at, r.updated_at
           FROM robots r LEFT JOIN projects p ON p.id = r.project_id
           WHERE r.project_id IS NOT DISTINCT FROM $1
             AND ($2::text[] IS NULL OR r.name = ANY ($2)) AND ($3::text IS NULL OR r.name ILIKE $3)
           ORDER BY CASE WHEN $4 = 'name' AND $5 THEN r.name END DESC,
                    CASE WHEN $4 = 'name' AND NOT $5 THEN r.name END,
                    CASE WHEN $4 = 'creation_time' AND $5 THEN r.created_at END DESC,
                    CASE WHEN $4 = 'creation_time' AND NOT $5 THEN r.created_at END,
                    CASE WHEN $4 = 'update_time' AND $5 THEN r.updated_at END DESC,
                    CASE WHEN $4 = 'update_time' AND NOT $5 THEN r.updated_at END,
                    r.id
           LIMIT $6 OFFSET $7"#,
        project_id,
        name.any.as_deref() as Option<&[String]>,
        name.pattern.as_deref(),
        cut.sort,
        cut.down,
        cut.limit,
        cut.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Reads one robot; those of deleted projects are gone.
pub(super) async fn get(conn: &mut PgConnection, id: i64) -> Result<Option<RobotRow>> {
    let row = sqlx::query_as!(
        RobotRow,
        r#"SELECT r.id, r.project_id, p.name AS "project_name?", r.name, r.description, r.duration, r.expires_at,
                  r.disabled, r.permissions, r.creator_type, r.creator_ref, r.previous_valid_until,
                  r.created_at, r.updated_at
           FROM robots r LEFT JOIN projects p ON p.id = r.project_id
           WHERE r.id = $1 AND p.deleted_at IS NULL"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Locks a robot until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query!("SELECT id FROM robots WHERE id = $1 FOR UPDATE", id)
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// Those of these names that are no project, sorted. The projects that are cannot be deleted before the
/// transaction ends.
pub(super) async fn missing_projects(conn: &mut PgConnection, names: &[String]) -> Result<Vec<String>> {
    let present: Vec<String> = sqlx::query_scalar!(
        "SELECT name FROM projects WHERE name = ANY ($1) AND deleted_at IS NULL ORDER BY name FOR KEY SHARE",
        names,
    )
    .fetch_all(conn)
    .await?;
    let mut missing: Vec<String> = names
        .iter()
        .filter(|name| !present.contains(name))
        .cloned()
        .collect();
    missing.sort();
    Ok(missing)
}

/// A robot to be.
pub(super) struct NewRobot<'a> {
    pub(super) project_id: Option<i64>,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) secret_hash: &'a str,
    pub(super) duration: i64,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) permissions: Value,
    pub(super) creator: (&'static str, i64),
}

/// Makes a robot; `None` where the name is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    robot: NewRobot<'_>,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO robots (project_id, name, description, secret_hash, duration, expires_at, permissions,
                             creator_type, creator_ref, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         ON CONFLICT DO NOTHING RETURNING id",
        robot.project_id,
        robot.name,
        robot.description,
        robot.secret_hash,
        robot.duration,
        robot.expires_at,
        robot.permissions,
        robot.creator.0,
        robot.creator.1,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// What a robot is changed to.
pub(super) struct Change<'a> {
    pub(super) description: &'a str,
    pub(super) duration: i64,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) disabled: bool,
    pub(super) permissions: Value,
}

/// Changes a robot.
pub(super) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    change: Change<'_>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE robots SET description = $2, duration = $3, expires_at = $4, disabled = $5, permissions = $6,
                           updated_at = $7
         WHERE id = $1",
        id,
        change.description,
        change.duration,
        change.expires_at,
        change.disabled,
        change.permissions,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets a new secret; the present one stays valid until then, or ends at once.
pub(super) async fn set_secret(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    hash: &str,
    previous_valid_until: Option<DateTime<Utc>>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE robots
         SET previous_secret_hash = CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE secret_hash END,
             previous_valid_until = $3, secret_hash = $2, updated_at = $4
         WHERE id = $1",
        id,
        hash,
        previous_valid_until,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a robot.
pub(super) async fn delete(conn: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query!("DELETE FROM robots WHERE id = $1", id)
        .execute(conn)
        .await?;
    Ok(())
}

/// A robot that expires soon.
#[derive(Debug, Clone)]
pub(super) struct ExpiringRow {
    pub(super) id: i64,
    pub(super) project_id: Option<i64>,
    pub(super) project_name: Option<String>,
    pub(super) name: String,
    pub(super) expires_at: DateTime<Utc>,
}

/// Takes robots that expire until then and of whose end nobody was told; it is noted that somebody is now.
pub(super) async fn take_expiring(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ExpiringRow>> {
    let rows = sqlx::query_as!(
        ExpiringRow,
        r#"UPDATE robots r SET warned_for = r.expires_at
           FROM (SELECT o.id, p.name AS project_name FROM robots o LEFT JOIN projects p ON p.id = o.project_id
                 WHERE o.expires_at > $1 AND o.expires_at <= $2 AND NOT o.disabled AND p.deleted_at IS NULL
                   AND o.warned_for IS DISTINCT FROM o.expires_at
                 ORDER BY o.id LIMIT $3 FOR UPDATE OF o SKIP LOCKED) e
           WHERE r.id = e.id
           RETURNING r.id, r.project_id, e.project_name AS "project_name?", r.name, r.expires_at AS "expires_at!""#,
        now,
        until,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
