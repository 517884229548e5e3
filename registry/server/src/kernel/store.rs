//! The kernel's SQL: accounts, standing, audit log, outbox.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::audit::AuditEntry;
use super::context::Context;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Answers when the database does.
pub(crate) async fn ping(conn: &mut PgConnection) -> Result<()> {
    sqlx::query_scalar!("SELECT 1").fetch_one(conn).await.map(|_| ())
}

/// Uploads in progress, in the whole registry.
pub(crate) async fn open_uploads(conn: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM uploads"#)
        .fetch_one(conn)
        .await
}

/// A person's account, for logging in.
pub(crate) struct UserRow {
    /// Its id.
    pub(crate) id: i64,
    /// Its login name.
    pub(crate) username: String,
    /// Null: no login with a password.
    pub(crate) password_hash: Option<String>,
}

/// By login name or e-mail address; the name wins.
pub(crate) async fn user_by_login(conn: &mut PgConnection, login: &str) -> Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        "SELECT id, username, password_hash FROM users
         WHERE deleted_at IS NULL AND (username = $1 OR email = $1) ORDER BY username = $1 DESC LIMIT 1",
        login
    )
    .fetch_optional(conn)
    .await
}

/// By id.
pub(crate) async fn user_by_id(conn: &mut PgConnection, id: i64) -> Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        "SELECT id, username, password_hash FROM users WHERE id = $1 AND deleted_at IS NULL",
        id
    )
    .fetch_optional(conn)
    .await
}

/// A robot, for logging in and for its standing.
pub(crate) struct RobotRow {
    /// Its id.
    pub(crate) id: i64,
    /// Its short name.
    pub(crate) name: String,
    /// Its project's id and name; none: a system robot.
    pub(crate) project_id: Option<i64>,
    /// See `project_id`.
    pub(crate) project_name: Option<String>,
    /// The secret in force.
    pub(crate) secret_hash: String,
    /// The one before, until `previous_valid_until`.
    pub(crate) previous_secret_hash: Option<String>,
    /// See `previous_secret_hash`.
    pub(crate) previous_valid_until: Option<DateTime<Utc>>,
    /// Switched off?
    pub(crate) disabled: bool,
    /// None: never.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// What it was granted.
    pub(crate) permissions: Value,
}

/// The robots among these (project or none, short name).
pub(crate) async fn robots_by_names(
    conn: &mut PgConnection,
    candidates: &[(Option<String>, String)],
) -> Result<Vec<RobotRow>> {
    let projects: Vec<String> = candidates
        .iter()
        .map(|(project, _)| project.clone().unwrap_or_default())
        .collect();
    let names: Vec<String> = candidates.iter().map(|(_, name)| name.clone()).collect();
    sqlx::query_as!(
        RobotRow,
        r#"SELECT r.id, r.name, r.project_id, p.name AS "project_name?", r.secret_hash, r.previous_secret_hash,
                  r.previous_valid_until, r.disabled, r.expires_at, r.permissions
           FROM unnest($1::text[], $2::text[]) AS c (project, name)
           JOIN robots r ON r.name = c.name
           LEFT JOIN projects p ON p.id = r.project_id
           WHERE (r.project_id IS NULL AND c.project = '') OR (p.deleted_at IS NULL AND p.name = c.project)"#,
        &projects,
        &names
    )
    .fetch_all(conn)
    .await
}

/// By id; none when its project was deleted.
pub(crate) async fn robot_by_id(conn: &mut PgConnection, id: i64) -> Result<Option<RobotRow>> {
    sqlx::query_as!(
        RobotRow,
        r#"SELECT r.id, r.name, r.project_id, p.name AS "project_name?", r.secret_hash, r.previous_secret_hash,
                  r.previous_valid_until, r.disabled, r.expires_at, r.permissions
           FROM robots r LEFT JOIN projects p ON p.id = r.project_id
           WHERE r.id = $1 AND (r.project_id IS NULL OR p.deleted_at IS NULL)"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// A project, for the gate.
pub(crate) struct ProjectRow {
    /// Its id.
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// May anyone pull?
    pub(crate) public: bool,
}

/// By name.
pub(crate) async fn project_by_name(conn: &mut PgConnection, name: &str) -> Result<Option<ProjectRow>> {
    sqlx::query_as!(
        ProjectRow,
        "SELECT id, name, public FROM projects WHERE name = $1 AND deleted_at IS NULL",
        name
    )
    .fetch_optional(conn)
    .await
}

/// By id.
pub(crate) async fn project_by_id(conn: &mut PgConnection, id: i64) -> Result<Option<ProjectRow>> {
    sqlx::query_as!(
        ProjectRow,
        "SELECT id, name, public FROM projects WHERE id = $1 AND deleted_at IS NULL",
        id
    )
    .fetch_optional(conn)
    .await
}

/// A person's rank in the system and in one project (if any is asked about).
pub(crate) struct RankRow {
    /// System administrator?
    pub(crate) sysadmin: bool,
    /// The role in the project.
    pub(crate) role: Option<i16>,
}

/// None: there is no such account any more.
pub(crate) async fn rank(
    conn: &mut PgConnection,
    user_id: i64,
    project_id: Option<i64>,
) -> Result<Option<RankRow>> {
    sqlx::query_as!(
        RankRow,
        r#"SELECT u.sysadmin, m.role AS "role?"
           FROM users u LEFT JOIN project_members m ON m.user_id = u.id AND m.project_id = $2
           WHERE u.id = $1 AND u.deleted_at IS NULL"#,
        user_id,
        project_id
    )
    .fetch_optional(conn)
    .await
}

/// One line of the audit log.
pub(super) async fn audit_insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    entry: &AuditEntry,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit_log (project_id, username, client_ip, user_agent, resource, resource_type, operation,
                                description, success, op_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        entry.project_id,
        ctx.caller.name(),
        ctx.client_ip,
        ctx.user_agent,
        entry.resource,
        entry.resource_type,
        entry.operation,
        entry.description,
        entry.success,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// One event of the outbox.
pub(super) async fn event_insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: Option<i64>,
    kind: &str,
    payload: Value,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO events (project_id, kind, payload, occurred_at) VALUES ($1, $2, $3, $4)",
        project_id,
        kind,
        payload,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}
