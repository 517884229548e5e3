//! Reading rows of the audit log.
//!
//! Exact conditions are answered by indexes that have the order of the answer, so a page costs what it holds. A pattern is
//! looked for among the newest [`WINDOW`] entries that the other conditions leave. Of several projects each is read by itself:
//! an index has no order over all of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::filter::Filter;
use crate::error::Result;

/// So many of the newest entries are searched for a pattern.
const WINDOW: i64 = 100_000;

/// An entry as it is answered.
pub(super) struct EntryRow {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) client_ip: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) resource: String,
    pub(super) resource_type: String,
    pub(super) operation: String,
    pub(super) description: String,
    pub(super) success: bool,
    pub(super) op_time: DateTime<Utc>,
}

/// Until the transaction ends, plans are made for the very values of a query: which index is right depends on which conditions
/// there are.
pub(super) async fn plan_for_these_values(conn: &mut PgConnection) -> Result<()> {
    sqlx::query_scalar!(r#"SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS "mode!""#)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Ids of the projects with these names (or all).
pub(super) async fn projects_by_names(
    conn: &mut PgConnection,
    all: bool,
    names: &[String],
) -> Result<Vec<i64>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM projects WHERE deleted_at IS NULL AND ($1 OR name = ANY ($2))",
        all,
        names,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Ids of the projects in which a user has one of these roles.
pub(super) async fn projects_by_role(
    conn: &mut PgConnection,
    user_id: i64,
    roles: &[i16],
) -> Result<Vec<i64>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT p.id FROM project_roles m JOIN projects p ON p.id = m.project_id AND p.deleted_at IS NULL
           WHERE m.user_id = $1 AND m.role = ANY ($2)"#,
        user_id,
        roles,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// How many of the entries that fit the exact conditions are looked at where `most` are wanted. PostgreSQL must know it to read an
/// index from its end instead of sorting all that fit.
fn window(filter: &Filter, most: i64) -> i64 {
    if filter.is_fuzzy() { WINDOW } else { most }
}

/// A statement over the entries that fit: its start, whose entries, the order, its end, the type of its rows or a scalar, how many
/// are wanted, and what the end takes besides the conditions.
macro_rules! fitting {
    ($kind:ident ($($row:ident)?) $start:tt, $whose:tt, $order:tt, $end:tt, $projects:expr, $filter:expr, $most:expr, $($more:expr),*) => {
        sqlx::$kind!(
            $($row,)?
            $start + "SELECT w.id, w.op_time FROM (
                SELECT f.id, f.op_time, f.username, f.operation, f.resource_type, f.resource, f.description
                FROM audit_log f
                WHERE " + $whose + "
                  AND ($2::text IS NULL OR f.username = $2) AND ($3::text[] IS NULL OR f.username = ANY ($3))
                  AND ($4::text IS NULL OR f.operation = $4) AND ($5::text[] IS NULL OR f.operation = ANY ($5))
                  AND ($6::text IS NULL OR f.resource_type = $6)
                  AND ($7::text[] IS NULL OR f.resource_type = ANY ($7))
                  AND ($8::text IS NULL OR (md5(f.resource)::uuid = md5($8)::uuid AND f.resource = $8))
                  AND ($9::text[] IS NULL OR f.resource = ANY ($9))
                  AND ($10::boolean IS NULL OR f.success = $10)
                  AND ($11::timestamptz IS NULL OR f.op_time >= $11)
                  AND ($12::timestamptz IS NULL OR f.op_time <= $12)
                ORDER BY " + $order + " LIMIT $13) w
             WHERE ($14::text IS NULL OR w.username ILIKE $14) AND ($15::text IS NULL OR w.operation ILIKE $15)
               AND ($16::text IS NULL OR w.resource_type ILIKE $16) AND ($17::text IS NULL OR w.resource ILIKE $17)
               AND ($18::text IS NULL OR w.description ILIKE $18)" + $end,
            $projects,
            $filter.username.exact,
            $filter.username.any.as_deref(),
            $filter.operation.exact,
            $filter.operation.any.as_deref(),
            $filter.resource_type.exact,
            $filter.resource_type.any.as_deref(),
            $filter.resource.exact,
            $filter.resource.any.as_deref(),
            $filter.success,
            $filter.from,
            $filter.to,
            window($filter, $most),
            $filter.username.pattern,
            $filter.operation.pattern,
            $filter.resource_type.pattern,
            $filter.resource.pattern,
            $filter.description,
            $($more),*
        )
    };
}

/// How many entries fit, at most `most`.
pub(super) async fn count(
    conn: &mut PgConnection,
    projects: Option<&[i64]>,
    filter: &Filter,
    most: i64,
) -> Result<i64> {
    let counted =
        match projects {
            None => {
                fitting!(
                    query_scalar () r#"SELECT count(*) AS "count!" FROM ("#, "$1::bigint[] IS NULL",
                    "f.op_time DESC, f.id DESC", " LIMIT $19) c",
                    None::<&[i64]>, filter, most, most
                )
                .fetch_one(conn)
                .await?
            }
            Some(_) => fitting!(
                query_scalar () r#"SELECT count(*) AS "count!" FROM (
                    SELECT FROM unnest($1::bigint[]) AS p (id) CROSS JOIN LATERAL ("#, "f.project_id = p.id",
                "f.op_time DESC, f.id DESC", " LIMIT $19) l LIMIT $19) c",
                projects, filter, most, most
            )
            .fetch_one(conn)
            .await?,
        };
    Ok(counted)
}

/// A page of the entries that fit, by time; `cut` is limit and offset.
pub(super) async fn list(
    conn: &mut PgConnection,
    projects: Option<&[i64]>,
    filter: &Filter,
    down: bool,
    (limit, offset): (i64, i64),
) -> Result<Vec<EntryRow>> {
    let rows = match (projects, down) {
        (None, true) => {
            fitting!(
                query_as (EntryRow) "SELECT a.id, a.username, a.client_ip, a.user_agent, a.resource, a.resource_type, a.operation,
                    a.description, a.success, a.op_time FROM (", "$1::bigint[] IS NULL", "f.op_time DESC, f.id DESC",
                " ORDER BY w.op_time DESC, w.id DESC LIMIT $19 OFFSET $20) page JOIN audit_log a ON a.id = page.id
                  ORDER BY a.op_time DESC, a.id DESC",
                None::<&[i64]>, filter, limit + offset, limit, offset
            )
            .fetch_all(conn)
            .await?
        }
        (None, false) => {
            fitting!(
                query_as (EntryRow) "SELECT a.id, a.username, a.client_ip, a.user_agent, a.resource, a.resource_type, a.operation,
                    a.description, a.success, a.op_time FROM (", "$1::bigint[] IS NULL", "f.op_time, f.id",
                " ORDER BY w.op_time, w.id LIMIT $19 OFFSET $20) page JOIN audit_log a ON a.id = page.id
                  ORDER BY a.op_time, a.id",
                None::<&[i64]>, filter, limit + offset, limit, offset
            )
            .fetch_all(conn)
            .await?
        }
        (Some(_), true) => {
            fitting!(
                query_as (EntryRow) "SELECT a.id, a.username, a.client_ip, a.user_agent, a.resource, a.resource_type, a.operation,
                    a.description, a.success, a.op_time FROM (
                        SELECT l.id FROM unnest($1::bigint[]) AS p (id) CROSS JOIN LATERAL (", "f.project_id = p.id",
                "f.op_time DESC, f.id DESC",
                " ORDER BY w.op_time DESC, w.id DESC LIMIT $19::bigint + $20::bigint) l
                  ORDER BY l.op_time DESC, l.id DESC LIMIT $19 OFFSET $20) page JOIN audit_log a ON a.id = page.id
                  ORDER BY a.op_time DESC, a.id DESC",
                projects, filter, limit + offset, limit, offset
            )
            .fetch_all(conn)
            .await?
        }
        (Some(_), false) => {
            fitting!(
                query_as (EntryRow) "SELECT a.id, a.username, a.client_ip, a.user_agent, a.resource, a.resource_type, a.operation,
                    a.description, a.success, a.op_time FROM (
                        SELECT l.id FROM unnest($1::bigint[]) AS p (id) CROSS JOIN LATERAL (", "f.project_id = p.id",
                "f.op_time, f.id",
                " ORDER BY w.op_time, w.id LIMIT $19::bigint + $20::bigint) l
                  ORDER BY l.op_time, l.id LIMIT $19 OFFSET $20) page JOIN audit_log a ON a.id = page.id
                  ORDER BY a.op_time, a.id",
                projects, filter, limit + offset, limit, offset
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(rows)
}
