//! The outbox: an event is a row written in the transaction that caused it, so none is lost.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::store;
use crate::error::Result;

/// Writes the event.
pub(crate) async fn publish(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: Option<i64>,
    kind: &str,
    payload: Value,
) -> Result<()> {
    store::event_insert(conn, now, project_id, kind, payload).await?;
    Ok(())
}
