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
    publish_all(conn, now, project_id, vec![(kind, payload)]).await
}

/// Writes events of one moment, in this order.
pub(crate) async fn publish_all(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: Option<i64>,
    events: Vec<(&str, Value)>,
) -> Result<()> {
    let (kinds, payloads): (Vec<String>, Vec<Value>) = events
        .into_iter()
        .map(|(kind, payload)| (kind.to_owned(), payload))
        .unzip();
    store::events_insert(conn, now, project_id, &kinds, &payloads).await?;
    Ok(())
}
