//! Is a name taken?

use sqlx::PgConnection;

use crate::error::Result;

/// By login name.
pub(super) async fn has_username(conn: &mut PgConnection, name: &str) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users WHERE username = $1 AND deleted_at IS NULL) AS "found!""#,
        name
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// By e-mail address.
pub(super) async fn has_email(conn: &mut PgConnection, email: &str) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users WHERE email = $1 AND deleted_at IS NULL) AS "found!""#,
        email
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}
