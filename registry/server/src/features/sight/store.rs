//! Where a user is somebody.

use sqlx::PgConnection;

use crate::error::Result;

/// In which roles is a user a member of some project?
pub(super) async fn roles(conn: &mut PgConnection, user_id: i64) -> Result<Vec<i16>> {
    let roles = sqlx::query_scalar!(
        r#"SELECT DISTINCT role AS "role!" FROM project_roles WHERE user_id = $1"#,
        user_id
    )
    .fetch_all(conn)
    .await?;
    Ok(roles)
}
