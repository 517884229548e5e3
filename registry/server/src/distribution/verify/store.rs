//! Rows beside which objects are laid.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;

/// A blob's row.
pub(crate) struct BlobRow {
    pub(crate) digest: String,
    pub(crate) size: i64,
    pub(crate) storage_key: String,
}

impl BlobRow {
    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(0)
    }
}

/// Rows behind the key `after`, up to the key `last` if there is one, in the order of keys.
pub(crate) async fn rows(
    conn: &mut PgConnection,
    after: &str,
    last: Option<&str>,
    limit: i64,
) -> Result<Vec<BlobRow>> {
    let rows = sqlx::query_as!(
        BlobRow,
        r#"SELECT digest, size, storage_key FROM blobs
           WHERE storage_key COLLATE "C" > $1 AND ($2::text IS NULL OR storage_key COLLATE "C" <= $2)
           ORDER BY storage_key COLLATE "C" LIMIT $3"#,
        after,
        last,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Does a row name this object?
pub(crate) async fn is_named(conn: &mut PgConnection, key: &str) -> Result<bool> {
    let named = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM blobs WHERE storage_key COLLATE "C" = $1) AS "named!""#,
        key,
    )
    .fetch_one(conn)
    .await?;
    Ok(named)
}

/// Which of these objects are to be deleted.
pub(crate) async fn doomed(conn: &mut PgConnection, keys: &[String]) -> Result<Vec<String>> {
    let keys = sqlx::query_scalar!(
        "SELECT storage_key FROM doomed_objects WHERE storage_key = ANY($1)",
        keys,
    )
    .fetch_all(conn)
    .await?;
    Ok(keys)
}

/// Is there a row of this upload?
pub(crate) async fn upload_exists(conn: &mut PgConnection, id: Option<Uuid>) -> Result<bool> {
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM uploads WHERE id = $1) AS "exists!""#,
        id,
    )
    .fetch_one(conn)
    .await?;
    Ok(exists)
}

/// Some of the repositories that may read a blob.
pub(crate) async fn repositories(conn: &mut PgConnection, digest: &str) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT r.name FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id
         WHERE l.digest = $1 ORDER BY r.name LIMIT 10",
        digest,
    )
    .fetch_all(conn)
    .await?;
    Ok(names)
}
