//! SQL of the refresh tokens.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

/// A refresh token's row.
pub(super) struct RefreshRow {
    /// The caller that it was made for.
    pub(super) subject: Value,
    /// The credential that it was made with.
    pub(super) credential: Option<String>,
    /// Its end.
    pub(super) expires_at: DateTime<Utc>,
}

/// Adds one, and takes away a few that have ended.
pub(super) async fn refresh_insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    hash: &[u8],
    row: &RefreshRow,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM refresh_tokens WHERE token_hash IN
           (SELECT token_hash FROM refresh_tokens WHERE expires_at < $1 LIMIT 20 FOR UPDATE SKIP LOCKED)",
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO refresh_tokens (token_hash, subject, credential, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        hash,
        row.subject,
        row.credential,
        now,
        row.expires_at
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Reads one that has not ended, and gives it a new end, `until`. One that ends more than a day behind that was made while the
/// clock was wrong, and would live for as long as it was.
pub(super) async fn refresh_touch(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<RefreshRow>, sqlx::Error> {
    sqlx::query_as!(
        RefreshRow,
        "UPDATE refresh_tokens SET expires_at = $3 WHERE token_hash = $1 AND expires_at > $2
           AND expires_at <= $3::timestamptz + interval '1 day'
         RETURNING subject, credential, expires_at",
        hash,
        now,
        until
    )
    .fetch_optional(conn)
    .await
}
