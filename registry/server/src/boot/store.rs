//! SQL of the first start and of the declared password.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Key of the row in `kernel_state` that says which registry this is to a blob store.
const STORE_OWNER: &str = "store_owner";
/// Key of the password's row in `kernel_state`.
const ADMIN_PASSWORD: &str = "admin_password";

/// Makes `admin` and `library`; false when `admin` is there already. Ids up to 2 stay reserved, as in Harbor.
pub(super) async fn found(conn: &mut PgConnection, now: DateTime<Utc>, password_hash: &str) -> Result<bool> {
    let made = sqlx::query!(
        "INSERT INTO users (id, username, realname, comment, password_hash, sysadmin, created_at, updated_at)
         VALUES (1, 'admin', 'system admin', 'admin user', $1, true, $2, $2) ON CONFLICT DO NOTHING",
        password_hash,
        now
    )
    .execute(&mut *conn)
    .await?
    .rows_affected()
        == 1;
    if !made {
        return Ok(false);
    }
    sqlx::query!("SELECT setval(pg_get_serial_sequence('users', 'id'), 2) AS last")
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query!(
        "INSERT INTO projects (id, name, owner_id, public, created_at, updated_at)
         VALUES (1, 'library', 1, true, $1, $1) ON CONFLICT DO NOTHING",
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("SELECT setval(pg_get_serial_sequence('projects', 'id'), 1) AS last")
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query!(
        "INSERT INTO project_members (project_id, user_id, role) VALUES (1, 1, 1) ON CONFLICT DO NOTHING"
    )
    .execute(&mut *conn)
    .await?;
    Ok(true)
}

/// Who this registry is to a blob store: `candidate` the first time, and the same ever after.
pub(super) async fn store_owner(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    candidate: &str,
) -> Result<String> {
    sqlx::query_scalar!(
        "INSERT INTO kernel_state (key, value, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET key = kernel_state.key RETURNING value",
        STORE_OWNER,
        candidate,
        now
    )
    .fetch_one(conn)
    .await
}

/// Is there an administrator?
pub(super) async fn admin_exists(conn: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM users WHERE id = 1) AS "exists!""#)
        .fetch_one(conn)
        .await
}

/// The hash of the declared password that was applied last; locked against other replicas until the transaction ends.
pub(super) async fn applied_password(conn: &mut PgConnection) -> Result<Option<String>> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('slipway admin password'))")
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query_scalar!("SELECT value FROM kernel_state WHERE key = $1", ADMIN_PASSWORD)
        .fetch_optional(conn)
        .await
}

/// Remembers which declared password was applied.
pub(super) async fn remember_password(conn: &mut PgConnection, now: DateTime<Utc>, hash: &str) -> Result<()> {
    sqlx::query!(
        "INSERT INTO kernel_state (key, value, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET value = $2, updated_at = $3",
        ADMIN_PASSWORD,
        hash,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// Gives `admin` a password.
pub(super) async fn set_admin_password(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    hash: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET password_hash = $1, updated_at = $2 WHERE id = 1",
        hash,
        now
    )
    .execute(conn)
    .await
    .map(|_| ())
}

/// The newest migration that was applied; 0 when there is none.
pub(super) async fn schema_version(conn: &mut PgConnection) -> Result<i64> {
    // Not checked against the schema: the table is sqlx's own, and may not be there yet.
    let there: Option<String> = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text")
        .fetch_one(&mut *conn)
        .await?;
    if there.is_none() {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(conn)
        .await
}

/// Makes a database in a PostgreSQL of our own, where it is not there yet.
pub(super) async fn create_database(conn: &mut PgConnection) -> Result<()> {
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'slipway')")
            .fetch_one(&mut *conn)
            .await?;
    if !there {
        sqlx::query("CREATE DATABASE slipway").execute(conn).await?;
    }
    Ok(())
}
