//! Old rows of the audit log, in the order of their time: each statement reads a piece of the index and no more.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// The entry up to which the log was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) op_time: DateTime<Utc>,
    pub(super) id: i64,
}

/// How many of these kinds are older.
pub(super) async fn count(conn: &mut PgConnection, before: DateTime<Utc>, kinds: &[String]) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM audit_log
           WHERE op_time < $1 AND operation || '_' || resource_type = ANY ($2)"#,
        before,
        kinds,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Looks at the next `limit` entries behind a mark, removes those of these kinds, and answers how many those are and the new mark;
/// `None` when there is nothing more to look at.
pub(super) async fn remove(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    kinds: &[String],
    after: Mark,
    limit: i64,
) -> Result<Option<(i64, Mark)>> {
    let row = sqlx::query!(
        r#"WITH page AS (
               SELECT id, op_time, operation || '_' || resource_type AS kind FROM audit_log
               WHERE op_time < $1 AND (op_time, id) > ($3, $4) ORDER BY op_time, id LIMIT $5),
           gone AS (
               DELETE FROM audit_log a USING page p WHERE a.id = p.id AND p.kind = ANY ($2) RETURNING a.id)
           SELECT (SELECT count(*) FROM gone) AS "gone!", op_time, id FROM page ORDER BY op_time DESC, id DESC LIMIT 1"#,
        before,
        kinds,
        after.op_time,
        after.id,
        limit,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let mark = Mark {
            op_time: row.op_time,
            id: row.id,
        };
        (row.gone, mark)
    }))
}
