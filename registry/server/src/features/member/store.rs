//! Rows of members.

use sqlx::PgConnection;

use crate::error::Result;

/// A member as it is answered.
pub(super) struct MemberRow {
    pub(super) id: i64,
    /// The user's or group's id.
    pub(super) entity_id: i64,
    /// The user's or group's name.
    pub(super) name: String,
    pub(super) is_group: bool,
    pub(super) role: i16,
}

/// Counts members.
pub(super) async fn count(conn: &mut PgConnection, project_id: i64, name: Option<&str>) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM project_members m
           LEFT JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
           LEFT JOIN user_groups g ON g.id = m.group_id
           WHERE m.project_id = $1 AND coalesce(u.id, g.id) IS NOT NULL
             AND ($2::text IS NULL OR coalesce(u.username, g.name) = $2)"#,
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
        r#"SELECT m.id, coalesce(u.id, g.id) AS "entity_id!", coalesce(u.username, g.name) AS "name!",
                  g.id IS NOT NULL AS "is_group!", m.role
           FROM project_members m
           LEFT JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
           LEFT JOIN user_groups g ON g.id = m.group_id
           WHERE m.project_id = $1 AND coalesce(u.id, g.id) IS NOT NULL
             AND ($2::text IS NULL OR coalesce(u.username, g.name) = $2)
           ORDER BY coalesce(u.username, g.name), m.id LIMIT $3 OFFSET $4"#,
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
        r#"SELECT m.id, coalesce(u.id, g.id) AS "entity_id!", coalesce(u.username, g.name) AS "name!",
                  g.id IS NOT NULL AS "is_group!", m.role
           FROM project_members m
           LEFT JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
           LEFT JOIN user_groups g ON g.id = m.group_id
           WHERE m.project_id = $1 AND m.id = $2 AND coalesce(u.id, g.id) IS NOT NULL"#,
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

/// Adds a user or a group; `None` where it is a member already.
pub(super) async fn insert(
    conn: &mut PgConnection,
    project_id: i64,
    (user_id, group_id): (Option<i64>, Option<i64>),
    role: i16,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO project_members (project_id, user_id, group_id, role) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING RETURNING id",
        project_id,
        user_id,
        group_id,
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
