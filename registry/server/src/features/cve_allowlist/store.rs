//! The one row of the list.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// The list as it is stored.
pub(super) struct ListRow {
    pub(super) items: Value,
    pub(super) expires_at: Option<i64>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// Reads it; none as long as nobody has set it.
pub(super) async fn get(conn: &mut PgConnection) -> Result<Option<ListRow>> {
    let row = sqlx::query_as!(
        ListRow,
        "SELECT items, expires_at, created_at, updated_at FROM system_cve_allowlist",
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Sets it.
pub(super) async fn put(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    items: &Value,
    expires_at: Option<i64>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO system_cve_allowlist (items, expires_at, created_at, updated_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (id) DO UPDATE
         SET items = excluded.items, expires_at = excluded.expires_at, updated_at = excluded.updated_at",
        items,
        expires_at,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
