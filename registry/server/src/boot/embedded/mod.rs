//! The PostgreSQL that `slipway-registry all` runs for itself, under its data folder.
//!
//! ```text
//! D/postgresql/<version>/   the programs, unpacked from this one
//! D/database/               the data
//! D/run/                    the Unix socket; there is no TCP port
//! D/postgresql.log          what the server says, since its last start
//! ```
//!
//! PostgreSQL refuses to run as root. As root its folders belong to an account without rights (`postgres` or `nobody`), and every
//! program of it is started through [`launch`], which gives the rights up.

mod account;
mod archive;
mod folders;
mod launch;
mod orphan;
mod supervisor;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

pub(super) use launch::{LAUNCH, Launch, launch};

use self::folders::Folders;
use self::supervisor::Supervisor;
use super::{database, store};
use crate::kernel::secret::Secret;

/// The role that everything belongs to.
const ROLE: &str = "slipway";
/// Names the socket; nothing listens on it.
const PORT: u16 = 5432;
/// Recovery after a crash may take a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running PostgreSQL.
pub(super) struct Embedded {
    supervisor: Supervisor,
    options: PgConnectOptions,
}

impl Embedded {
    /// Brings it up: unpacks it and makes the data folder where that was not done before, stops one that an earlier process of
    /// ours left behind, and waits until it answers.
    pub(super) async fn start(data_dir: &Path, password: &Secret) -> anyhow::Result<Self> {
        let start = Instant::now();
        let folders = Folders::prepare(data_dir)?;
        let unpack = folders.clone();
        tokio::task::spawn_blocking(move || archive::unpack(&unpack)).await??;
        let (stop, init, secret) = (folders.clone(), folders.clone(), password.clone());
        tokio::task::spawn_blocking(move || orphan::stop(&stop.database)).await??;
        tokio::task::spawn_blocking(move || initialise(&init, &secret)).await??;

        let supervisor = Supervisor::start(folders.clone())?;
        let server = PgConnectOptions::new_without_pgpass()
            .socket(folders.socket_folder()?)
            .port(PORT)
            .username(ROLE)
            .password(password.expose())
            .application_name("slipway");
        let admin = server.clone().database("postgres");
        if let Err(error) = database::wait(&admin, PATIENCE).await {
            let tail = folders.log_tail();
            supervisor.stop();
            return Err(error.context(format!(
                "the embedded PostgreSQL does not come up; it says:\n{tail}"
            )));
        }
        let mut conn = admin.disable_statement_logging().connect().await?;
        store::create_database(&mut conn)
            .await
            .context("cannot create the database")?;
        tracing::info!(
            version = archive::VERSION,
            ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "the embedded PostgreSQL is up"
        );
        Ok(Self {
            supervisor,
            options: server.database("slipway"),
        })
    }

    /// How it is reached.
    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Stops it and waits for its end.
    pub(super) async fn stop(self) {
        tokio::task::spawn_blocking(move || self.supervisor.stop())
            .await
            .ok();
    }
}

/// Makes the data folder. It is made beside its place and moved there when it is whole, so that a crash leaves nothing half.
fn initialise(folders: &Folders, password: &Secret) -> anyhow::Result<()> {
    if folders.database.join("PG_VERSION").exists() {
        let found = std::fs::read_to_string(folders.database.join("PG_VERSION"))?;
        let ours = archive::VERSION.split('.').next().unwrap_or_default();
        if found.trim() != ours {
            bail!(
                "{} was made by PostgreSQL {}, this program brings {ours}: move the data with pg_dump and pg_restore",
                folders.database.display(),
                found.trim()
            );
        }
        return Ok(());
    }
    let fresh = folders.fresh_database()?;
    let password_file = folders.write_for_server("initial-password", password.expose())?;
    let output = folders
        .program("initdb")
        .args(["--username", ROLE, "--auth=scram-sha-256", "--encoding=UTF8"])
        .args([
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--sync-method=syncfs",
        ])
        .arg(format!("--pwfile={}", folders.inside(&password_file).display()))
        .arg(format!("--pgdata={}", folders.inside(&fresh).display()))
        .stdin(Stdio::null())
        .output()
        .context("cannot start initdb")?;
    std::fs::remove_file(&password_file).ok();
    if !output.status.success() {
        bail!(
            "initdb failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    std::fs::rename(&fresh, &folders.database)
        .with_context(|| format!("cannot move the new database to {}", folders.database.display()))
}
