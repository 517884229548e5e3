//! Rows of settings.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// What is set; nobody else changes it until the transaction ends.
pub(super) async fn lock_settings(conn: &mut PgConnection) -> Result<Vec<(String, Value)>> {
    sqlx::query!("LOCK TABLE settings IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query!("SELECT key, value FROM settings")
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}

/// Sets these.
pub(super) async fn put_settings(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    settings: &[(&'static str, Value)],
) -> Result<()> {
    let (keys, values): (Vec<String>, Vec<Value>) = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .unzip();
    sqlx::query!(
        "INSERT INTO settings (key, value, updated_at)
         SELECT key, value, $3 FROM unnest($1::text[], $2::jsonb[]) AS s (key, value)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        &keys,
        &values,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
