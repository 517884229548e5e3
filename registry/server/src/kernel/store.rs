//! The kernel's SQL: accounts, standing, audit log, outbox.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::audit::Line;

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

/// How many robots that are in use expire until then.
pub(crate) async fn robots_expiring(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM robots r LEFT JOIN projects p ON p.id = r.project_id
           WHERE r.expires_at > $1 AND r.expires_at <= $2 AND NOT r.disabled AND p.deleted_at IS NULL"#,
        now,
        until,
    )
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
    /// The registry that it stands before, if it is a proxy cache, and its kind.
    pub(crate) registry_id: Option<i64>,
    /// See `registry_id`.
    pub(crate) registry_kind: Option<String>,
    /// What a proxy cache is told to do.
    pub(crate) proxy: Option<Value>,
}

/// By name.
pub(crate) async fn project_by_name(conn: &mut PgConnection, name: &str) -> Result<Option<ProjectRow>> {
    sqlx::query_as!(
        ProjectRow,
        r#"SELECT p.id, p.name, p.public, p.registry_id, g.kind AS "registry_kind?",
                  CASE WHEN p.registry_id IS NOT NULL THEN p.metadata END AS proxy
           FROM projects p LEFT JOIN registries g ON g.id = p.registry_id WHERE p.name = $1 AND p.deleted_at IS NULL"#,
        name
    )
    .fetch_optional(conn)
    .await
}

/// By id.
pub(crate) async fn project_by_id(conn: &mut PgConnection, id: i64) -> Result<Option<ProjectRow>> {
    sqlx::query_as!(
        ProjectRow,
        r#"SELECT p.id, p.name, p.public, p.registry_id, g.kind AS "registry_kind?",
                  CASE WHEN p.registry_id IS NOT NULL THEN p.metadata END AS proxy
           FROM projects p LEFT JOIN registries g ON g.id = p.registry_id WHERE p.id = $1 AND p.deleted_at IS NULL"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// A person's rank in the system and in one project (if any is asked about).
pub(crate) struct RankRow {
    /// System administrator?
    pub(crate) sysadmin: bool,
    /// The roles in the project, his own and those of his groups.
    pub(crate) roles: Vec<i16>,
}

/// None: there is no such account any more.
pub(crate) async fn rank(
    conn: &mut PgConnection,
    user_id: i64,
    project_id: Option<i64>,
) -> Result<Option<RankRow>> {
    sqlx::query_as!(
        RankRow,
        r#"SELECT u.sysadmin, ARRAY(SELECT r.role FROM project_roles r
                                    WHERE r.user_id = u.id AND r.project_id = $2) AS "roles!"
           FROM users u
           WHERE u.id = $1 AND u.deleted_at IS NULL"#,
        user_id,
        project_id
    )
    .fetch_optional(conn)
    .await
}

/// What is set of Harbor's settings.
pub(super) async fn settings(conn: &mut PgConnection) -> Result<Vec<(String, Value)>> {
    let rows = sqlx::query!("SELECT key, value FROM settings")
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}

/// Lines of the audit log, without those of kinds that are left out.
pub(super) async fn audit_insert(conn: &mut PgConnection, lines: &[Line]) -> Result<()> {
    let column = |value: fn(&Line) -> &str| {
        lines
            .iter()
            .map(|line| value(line).to_owned())
            .collect::<Vec<_>>()
    };
    let projects: Vec<Option<i64>> = lines.iter().map(|line| line.entry.project_id).collect();
    let addresses: Vec<Option<String>> = lines.iter().map(|line| line.origin.client_ip.clone()).collect();
    let programs: Vec<Option<String>> = lines.iter().map(|line| line.origin.user_agent.clone()).collect();
    let outcomes: Vec<bool> = lines.iter().map(|line| line.entry.success).collect();
    let times: Vec<DateTime<Utc>> = lines.iter().map(|line| line.time).collect();
    sqlx::query!(
        "INSERT INTO audit_log (project_id, username, client_ip, user_agent, resource, resource_type, operation,
                                description, success, op_time)
         SELECT l.* FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                $8::text[], $9::boolean[], $10::timestamptz[])
              AS l (project_id, username, client_ip, user_agent, resource, resource_type, operation, description,
                    success, op_time)
         WHERE NOT EXISTS (SELECT FROM settings s WHERE s.key = 'disabled_audit_log_event_types'
                             AND l.operation || '_' || l.resource_type
                                 = ANY (regexp_split_to_array(s.value #>> '{}', '\\s*,\\s*')))",
        &projects as &[Option<i64>],
        &column(|line| &line.origin.username),
        &addresses as &[Option<String>],
        &programs as &[Option<String>],
        &column(|line| &line.entry.resource),
        &column(|line| &line.entry.resource_type),
        &column(|line| &line.entry.operation),
        &column(|line| &line.entry.description),
        &outcomes,
        &times,
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Events of the outbox, in the order of the two columns.
pub(super) async fn events_insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    project_id: Option<i64>,
    kinds: &[String],
    payloads: &[Value],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO events (project_id, kind, payload, occurred_at)
         SELECT $1, e.kind, e.payload, $4
         FROM unnest($2::text[], $3::jsonb[]) WITH ORDINALITY AS e (kind, payload, n) ORDER BY e.n",
        project_id,
        kinds,
        payloads,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}
