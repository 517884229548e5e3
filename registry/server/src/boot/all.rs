//! `all`: everything in one process and one folder.
//!
//! ```text
//! D/lock            held while a process uses the folder
//! D/secrets/        admin-password, database-password, signing-key; readable by their owner only
//! D/blobs/          the blobs
//! D/database/ …     see the embedded PostgreSQL
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::embedded::Embedded;
use super::listen::Listener;
use super::{admin, assemble, blobs, database, serve, shutdown, worker};
use crate::config::{Config, SecretSource, StorageConfig};
use crate::kernel::password;
use crate::kernel::secret::Secret;

/// Runs until it is asked to end.
pub(super) async fn run(mut config: Config, data_dir: PathBuf) -> anyhow::Result<()> {
    let signals = shutdown::Signals::install()?;
    // The port is what fails most often: before anything is made.
    let listener = Listener::bind(config.listen).await?;
    let metrics = match config.metrics_listen {
        Some(address) => Some(Listener::bind(address).await?),
        None => None,
    };
    let folder = Folder::open(&data_dir)?;
    let key = match &config.token.signing_key {
        Some(_) => assemble::signing_key(&config)?,
        None => {
            folder
                .secret("signing-key", || {
                    format!("{}{}", password::generate(), password::generate())
                })?
                .0
        }
    };
    let generated = match &config.admin_password {
        Some(_) => None,
        None => {
            let (secret, new) = folder.secret("admin-password", password::generate)?;
            config.admin_password = Some(SecretSource::File(folder.secret_path("admin-password")));
            new.then_some(secret)
        }
    };
    config.storage = config.storage.or_else(|| {
        Some(StorageConfig::Filesystem {
            path: folder.root.join("blobs"),
        })
    });

    let embedded = match &config.database.options {
        Some(_) => None,
        None => {
            let (password, _) = folder.secret("database-password", password::generate)?;
            let embedded = Embedded::start(&folder.root, &password).await?;
            config.database.options = Some(embedded.options());
            Some(embedded)
        }
    };
    let result = with_database(config, listener, metrics, signals, &key, generated).await;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    drop(folder);
    result
}

async fn with_database(
    config: Config,
    listener: Listener,
    metrics: Option<Listener>,
    signals: shutdown::Signals,
    key: &Secret,
    generated: Option<Secret>,
) -> anyhow::Result<()> {
    let start = async {
        let pool = database::connect(&config.database).await?;
        database::migrate(&pool).await?;
        let blobs = blobs::open(&config, &pool).await?;
        let app = assemble::app(config, pool, blobs, Some(key))?;
        admin::establish(&app).await?;
        Ok(app)
    };
    let Some(app) = signals.unless_asked(start).await? else {
        return Ok(());
    };
    let address = listener.address();
    if let Some(password) = generated {
        // The one time that it is shown: it stands in D/secrets/admin-password afterwards.
        println!(
            "\n  user      admin\n  password  {}\n  address   http://{address}\n",
            password.expose()
        );
    }
    tracing::info!(listen = %address, version = env!("CARGO_PKG_VERSION"), "serving");
    let work = worker::Running::start(&app).await?;
    serve::until_told(app.clone(), listener, metrics, &signals).await;
    work.stop().await;
    app.pool.close().await;
    Ok(())
}

/// The data folder, locked.
struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let root = path
            .canonicalize()
            .with_context(|| format!("cannot open {}", path.display()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(root.join("lock"))
            .with_context(|| format!("cannot write to {}", root.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another slipway-registry uses {}", root.display()),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the data folder"),
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root.join("secrets"))
            .with_context(|| format!("cannot write to {}", root.display()))?;
        Ok(Self { root, _lock: lock })
    }

    fn secret_path(&self, name: &str) -> PathBuf {
        self.root.join("secrets").join(name)
    }

    /// The secret of this name, made where it is not there yet; true when it was made now.
    fn secret(&self, name: &str, make: impl FnOnce() -> String) -> anyhow::Result<(Secret, bool)> {
        let path = self.secret_path(name);
        if path.exists() {
            let secret = SecretSource::File(path).read().map_err(anyhow::Error::msg)?;
            return Ok((secret, false));
        }
        let value = make();
        // Whole or not there, also after a crash.
        let part = path.with_extension("part");
        fs::remove_file(&part).ok();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)?;
        writeln!(file, "{value}")?;
        file.sync_all()?;
        fs::rename(&part, &path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((Secret::new(value), true))
    }
}
