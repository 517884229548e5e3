//! Rows of marks.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// Reads a project's mark.
pub(super) async fn get(conn: &mut PgConnection, id: i64) -> Result<Option<Value>> {
    let mark = sqlx::query_scalar!(
        "SELECT owner_mark FROM projects WHERE id = $1 FOR NO KEY UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(mark.flatten())
}

/// Sets or removes a project's mark.
pub(super) async fn set(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    mark: Option<Value>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE projects SET owner_mark = $2, updated_at = $3 WHERE id = $1",
        id,
        mark,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A project that an object declares.
pub(super) struct OwnedRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) mark: Value,
    pub(super) total: i64,
}

/// Projects by the uid or the cluster of the object that declares them.
pub(super) async fn list(
    conn: &mut PgConnection,
    uid: Option<&str>,
    cluster: Option<&str>,
    limit: Option<i64>,
    offset: i64,
) -> Result<Vec<OwnedRow>> {
    let rows = sqlx::query_as!(
        OwnedRow,
        r#"SELECT id, name, owner_mark AS "mark!", count(*) OVER () AS "total!" FROM projects
           WHERE deleted_at IS NULL AND owner_mark IS NOT NULL
             AND ($1::text IS NULL OR owner_mark ->> 'uid' = $1)
             AND ($2::text IS NULL OR owner_mark ->> 'cluster' = $2)
           ORDER BY name LIMIT $3 OFFSET $4"#,
        uid,
        cluster,
        limit,
        offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
