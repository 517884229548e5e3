//! SQL of accounts.

use chrono::{DateTime, Utc};
use slipway_api::{CurrentUser, UserCreate, UserSearchItem};
use sqlx::PgConnection;

use crate::features::request::query::TextFilter;
use crate::kernel::paging::Page;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// An account.
pub(super) struct UserRow {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) email: Option<String>,
    pub(super) realname: String,
    pub(super) comment: String,
    pub(super) sysadmin: bool,
    pub(super) password_hash: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// What a list is narrowed down to.
#[derive(Default)]
pub(super) struct Filter {
    pub(super) username: TextFilter,
    pub(super) email: TextFilter,
}

/// By id.
pub(super) async fn get(conn: &mut PgConnection, id: i64) -> Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        "SELECT id, username, email, realname, comment, sysadmin, password_hash, created_at, updated_at
         FROM users WHERE id = $1 AND deleted_at IS NULL",
        id
    )
    .fetch_optional(conn)
    .await
}

/// All but the built-in administrator.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    (column, down): (&str, bool),
    page: &Page,
) -> Result<Vec<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"SELECT id, username, email, realname, comment, sysadmin, password_hash, created_at, updated_at
           FROM users
           WHERE id > 1 AND deleted_at IS NULL
             AND ($1::text[] IS NULL OR username = ANY ($1)) AND ($2::text IS NULL OR username ILIKE $2)
             AND ($3::text[] IS NULL OR email = ANY ($3)) AND ($4::text IS NULL OR email ILIKE $4)
           ORDER BY
             CASE WHEN $5 = 'username' AND NOT $6 THEN username COLLATE "C" END,
             CASE WHEN $5 = 'username' AND $6 THEN username COLLATE "C" END DESC,
             CASE WHEN $5 = 'email' AND NOT $6 THEN email COLLATE "C" END,
             CASE WHEN $5 = 'email' AND $6 THEN email COLLATE "C" END DESC,
             CASE WHEN $5 = 'creation_time' AND NOT $6 THEN created_at END,
             CASE WHEN $5 = 'creation_time' AND $6 THEN created_at END DESC,
             CASE WHEN $5 = 'update_time' AND NOT $6 THEN updated_at END,
             CASE WHEN $5 = 'update_time' AND $6 THEN updated_at END DESC,
             CASE WHEN $5 = 'user_id' AND $6 THEN id END DESC,
             id
           LIMIT $7 OFFSET $8"#,
        filter.username.any.as_deref(),
        filter.username.pattern,
        filter.email.any.as_deref(),
        filter.email.pattern,
        column,
        down,
        page.limit(),
        page.offset()
    )
    .fetch_all(conn)
    .await
}

/// How many the list has.
pub(super) async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM users
           WHERE id > 1 AND deleted_at IS NULL
             AND ($1::text[] IS NULL OR username = ANY ($1)) AND ($2::text IS NULL OR username ILIKE $2)
             AND ($3::text[] IS NULL OR email = ANY ($3)) AND ($4::text IS NULL OR email ILIKE $4)"#,
        filter.username.any.as_deref(),
        filter.username.pattern,
        filter.email.any.as_deref(),
        filter.email.pattern
    )
    .fetch_one(conn)
    .await
}

/// Names that hold a text, shortest first.
pub(super) async fn search(
    conn: &mut PgConnection,
    pattern: &str,
    page: &Page,
) -> Result<Vec<UserSearchItem>> {
    sqlx::query_as!(
        UserSearchItem,
        "SELECT id AS user_id, username FROM users WHERE deleted_at IS NULL AND username ILIKE $1
         ORDER BY length(username), username LIMIT $2 OFFSET $3",
        pattern,
        page.limit(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

/// How many names hold a text.
pub(super) async fn search_count(conn: &mut PgConnection, pattern: &str) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM users WHERE deleted_at IS NULL AND username ILIKE $1"#,
        pattern
    )
    .fetch_one(conn)
    .await
}

/// Its id; none when the name or the e-mail address is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    new: &UserCreate,
    password_hash: &str,
) -> Result<Option<i64>> {
    sqlx::query_scalar!(
        "INSERT INTO users (username, email, realname, comment, password_hash, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING RETURNING id",
        new.username,
        new.email,
        new.realname,
        new.comment,
        password_hash,
        now
    )
    .fetch_optional(conn)
    .await
}

/// False when the e-mail address is somebody else's.
pub(super) async fn update_profile(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    profile: &CurrentUser,
) -> Result<bool> {
    let result = sqlx::query!(
        "UPDATE users SET email = $2, realname = $3, comment = $4, updated_at = $5 WHERE id = $1",
        id,
        profile.email,
        profile.realname,
        profile.comment,
        now
    )
    .execute(conn)
    .await;
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) async fn set_password(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    hash: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1",
        id,
        hash,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}

pub(super) async fn set_sysadmin(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: i64,
    flag: bool,
) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET sysadmin = $2, updated_at = $3 WHERE id = $1",
        id,
        flag,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The row stays for what refers to it; the name is free again.
pub(super) async fn delete(conn: &mut PgConnection, now: DateTime<Utc>, id: i64) -> Result<()> {
    sqlx::query!("DELETE FROM project_members WHERE user_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM user_group_members WHERE user_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "UPDATE users SET deleted_at = $2, updated_at = $2, password_hash = NULL, sysadmin = false WHERE id = $1",
        id,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}
