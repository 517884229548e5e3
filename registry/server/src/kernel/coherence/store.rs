//! The listening connection's own question.

use sqlx::PgConnection;

/// What a connection says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connection {
    /// Its process; another one after a reconnection, or behind a pooler that shares connections.
    pub(super) process: i32,
    /// Does it hear what the tables tell?
    pub(super) listens: bool,
    /// A standby hears nothing of what others write.
    pub(super) standby: bool,
}

/// A round trip.
pub(super) async fn connection(conn: &mut PgConnection, channel: &str) -> Result<Connection, sqlx::Error> {
    sqlx::query_as!(
        Connection,
        r#"SELECT pg_backend_pid() AS "process!", pg_is_in_recovery() AS "standby!",
                  EXISTS (SELECT 1 FROM pg_listening_channels() AS c WHERE c = $1) AS "listens!""#,
        channel
    )
    .fetch_one(conn)
    .await
}
