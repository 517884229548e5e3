//! Rows of members.

use sqlx::PgConnection;

use crate::error::Result;

/// A member as it is answered.
pub(super) struct MemberRow {
    pub(super) id: i64,
    pub(super) user_id: i64,
    pub(super) username: String,
    pub(super) role: i16,
}

/// Counts members.
pub(super) async fn count(conn: &mut PgConnection, project_id: i64, name: Option<&str>) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM project_members m JOIN users u ON u.id = m.user_id
           WHERE m.project_id = $1 AND u.deleted_at IS NULL AND ($2::text IS NULL OR u.username = $2)"#,
        project_id,
        name,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists members by name.
pub(super) async fn list(
    conn: &mut PgConnection,
    project_id: i64,
    name: Option<&str>,
    limit: Option<i64>,
    offset: i64,
) -> Result<Vec<MemberRow>> {
    let rows = sqlx::query_as!(
        MemberRow,
        "SELECT m.id, m.user_id, u.username, m.role FROM project_members m JOIN users u ON u.id = m.user_id
         WHERE m.project_id = $1 AND u.deleted_at IS NULL AND ($2::text IS NULL OR u.username = $2)
         ORDER BY u.username, m.id LIMIT $3 OFFSET $4",
        project_id,
        name,
        limit,
        offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Reads one member.
pub(super) async fn get(conn: &mut PgConnection, project_id: i64, id: i64) -> Result<Option<MemberRow>> {
    let row = sqlx::query_as!(
        MemberRow,
        "SELECT m.id, m.user_id, u.username, m.role FROM project_members m JOIN users u ON u.id = m.user_id
         WHERE m.project_id = $1 AND m.id = $2 AND u.deleted_at IS NULL",
        project_id,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// A user by id or by name.
pub(super) async fn user(
    conn: &mut PgConnection,
    id: Option<i64>,
    name: Option<&str>,
) -> Result<Option<(i64, String)>> {
    let row = sqlx::query!(
        "SELECT id, username FROM users
         WHERE deleted_at IS NULL AND (id = $1 OR ($1::bigint IS NULL AND username = $2))",
        id,
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.username)))
}

/// Adds a member; `None` where the user is one already.
pub(super) async fn insert(
    conn: &mut PgConnection,
    project_id: i64,
    user_id: i64,
    role: i16,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $2, $3)
         ON CONFLICT (project_id, user_id) DO NOTHING RETURNING id",
        project_id,
        user_id,
        role,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// Changes a member's role.
pub(super) async fn update(conn: &mut PgConnection, project_id: i64, id: i64, role: i16) -> Result<()> {
    sqlx::query!(
        "UPDATE project_members SET role = $3 WHERE project_id = $1 AND id = $2",
        project_id,
        id,
        role
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a member.
pub(super) async fn delete(conn: &mut PgConnection, project_id: i64, id: i64) -> Result<()> {
    sqlx::query!(
        "DELETE FROM project_members WHERE project_id = $1 AND id = $2",
        project_id,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}
