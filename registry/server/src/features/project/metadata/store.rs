//! A project's settings in its row.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// Locks a project's settings; false where it is gone. (Pushes, which refer to the row, go on.)
pub(super) async fn lock(conn: &mut PgConnection, project_id: i64) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM projects WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        project_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Whether the project is public, and its other settings.
pub(super) async fn get(conn: &mut PgConnection, project_id: i64) -> Result<Option<(bool, Value)>> {
    let row = sqlx::query!(
        "SELECT public, metadata FROM projects WHERE id = $1 AND deleted_at IS NULL",
        project_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.public, row.metadata)))
}

/// Makes a project public or private.
pub(super) async fn set_public(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    public: bool,
) -> Result<()> {
    sqlx::query!(
        "UPDATE projects SET public = $2, updated_at = $3 WHERE id = $1",
        project_id,
        public,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets one of the others.
pub(super) async fn set(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    name: &str,
    value: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE projects SET metadata = metadata || jsonb_build_object($2::text, $3::text), updated_at = $4
         WHERE id = $1",
        project_id,
        name,
        value,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes one of the others.
pub(super) async fn remove(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: i64,
    name: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE projects SET metadata = metadata - $2::text, updated_at = $3 WHERE id = $1",
        project_id,
        name,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
