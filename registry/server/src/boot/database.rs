//! The pool of connections, and the schema's version.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};

use super::store;
use crate::config::DatabaseConfig;

/// All versions of the schema that this program knows.
pub(super) static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// A request waits this long for a connection before it is answered with 503.
const ACQUIRE: Duration = Duration::from_secs(5);
/// At the start the database may need this long to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pool, once the database answers.
pub(super) async fn connect(config: &DatabaseConfig) -> anyhow::Result<PgPool> {
    let options = config.options.clone().context(
        "no database is set: write database.url (SLIPWAY_DATABASE_URL), or database.host, name, user and password",
    )?;
    wait(&options, PATIENCE).await?;
    Ok(pool(options, config.max_connections))
}

/// A pool that connects when it is needed.
pub(super) fn pool(options: PgConnectOptions, max_connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(Duration::from_secs(300))
        .max_lifetime(Duration::from_secs(1800))
        .connect_lazy_with(options.disable_statement_logging())
}

/// Waits until the database answers.
pub(super) async fn wait(options: &PgConnectOptions, patience: Duration) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(20);
    let mut said = false;
    loop {
        let error = match options.clone().disable_statement_logging().connect().await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if !may_pass(&error) || start.elapsed() >= patience {
            return Err(error).context("cannot connect to the database");
        }
        if !said && start.elapsed() > Duration::from_secs(2) {
            tracing::warn!(%error, "waiting for the database");
            said = true;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Not there yet, or starting: worth another try. A wrong password or name is not.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(db) => db
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("53")),
        _ => false,
    }
}

/// Brings the schema up to date (one process at a time does it) and says its version before and after.
pub(super) async fn migrate(pool: &PgPool) -> anyhow::Result<(i64, i64)> {
    let before = version(pool).await?;
    match MIGRATOR.run(pool).await {
        Ok(()) => Ok((before, newest())),
        Err(MigrateError::VersionMissing(found)) => bail!(newer(found)),
        Err(error) => Err(error).context("cannot bring the schema up to date"),
    }
}

/// Refuses a schema that is not the one that this program was made for.
pub(super) async fn check_schema(pool: &PgPool) -> anyhow::Result<()> {
    let found = version(pool).await?;
    if found > newest() {
        bail!(newer(found));
    }
    if found < newest() {
        bail!(
            "the database's schema has version {found}, this program needs {}: run `slipway-registry migrate` first",
            newest()
        );
    }
    Ok(())
}

fn newer(found: i64) -> String {
    format!(
        "the database's schema has version {found}, this program knows only {}: run a newer slipway-registry",
        newest()
    )
}

/// The newest version that this program knows.
fn newest() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// The version that the database has; 0 when it is empty.
async fn version(pool: &PgPool) -> anyhow::Result<i64> {
    let mut conn = pool.acquire().await.context("cannot connect to the database")?;
    store::schema_version(&mut conn)
        .await
        .context("cannot read the schema's version")
}
