//! Rows of groups.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::Result;

/// A group as it is answered.
pub(super) struct GroupRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) kind: i16,
    pub(super) ldap_group_dn: String,
}

/// What a list is narrowed down to, and which part of it.
pub(super) struct Wanted {
    /// A pattern for ILIKE.
    pub(super) pattern: Option<String>,
    pub(super) dn: Option<String>,
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// Counts groups.
pub(super) async fn count(conn: &mut PgConnection, wanted: &Wanted) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM user_groups
           WHERE ($1::text IS NULL OR name ILIKE $1) AND ($2::text IS NULL OR lower(ldap_group_dn) = lower($2))"#,
        wanted.pattern,
        wanted.dn,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// Lists groups by name.
pub(super) async fn list(conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<GroupRow>> {
    let rows = sqlx::query_as!(
        GroupRow,
        "SELECT id, name, type AS kind, ldap_group_dn FROM user_groups
         WHERE ($1::text IS NULL OR name ILIKE $1) AND ($2::text IS NULL OR lower(ldap_group_dn) = lower($2))
         ORDER BY name, id LIMIT $3 OFFSET $4",
        wanted.pattern,
        wanted.dn,
        wanted.limit,
        wanted.offset,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Reads one group.
pub(super) async fn get(conn: &mut PgConnection, id: i64) -> Result<Option<GroupRow>> {
    let row = sqlx::query_as!(
        GroupRow,
        "SELECT id, name, type AS kind, ldap_group_dn FROM user_groups WHERE id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// A group's id by name and kind.
pub(super) async fn find_by_name(conn: &mut PgConnection, name: &str, kind: i16) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM user_groups WHERE name = $1 AND type = $2",
        name,
        kind
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// A group's id by its name in LDAP, which has no upper and lower case.
pub(super) async fn find_by_dn(conn: &mut PgConnection, dn: &str) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM user_groups WHERE type = 1 AND lower(ldap_group_dn) = lower($1) ORDER BY id LIMIT 1",
        dn,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// A group's name; the group cannot be removed before the transaction ends.
pub(super) async fn lock_name(conn: &mut PgConnection, id: i64) -> Result<Option<String>> {
    let name = sqlx::query_scalar!("SELECT name FROM user_groups WHERE id = $1 FOR KEY SHARE", id)
        .fetch_optional(conn)
        .await?;
    Ok(name)
}

/// Its id; none when name and kind are taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    name: &str,
    kind: i16,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO user_groups (name, type, created_at, updated_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (name, type) DO NOTHING RETURNING id",
        name,
        kind,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id)
}

/// False when the name is another group's.
pub(super) async fn rename(conn: &mut PgConnection, now: DateTime<Utc>, id: i64, name: &str) -> Result<bool> {
    let result = sqlx::query!(
        "UPDATE user_groups SET name = $2, updated_at = $3 WHERE id = $1",
        id,
        name,
        now,
    )
    .execute(conn)
    .await;
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes a group and returns its name; `None`: there is none.
pub(super) async fn delete(conn: &mut PgConnection, id: i64) -> Result<Option<String>> {
    let name = sqlx::query_scalar!("DELETE FROM user_groups WHERE id = $1 RETURNING name", id)
        .fetch_optional(conn)
        .await?;
    Ok(name)
}
