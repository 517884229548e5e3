//! Where everything is, whose it is, and how PostgreSQL's programs see it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Context as _;

use super::account::{self, Account};
use super::archive;
use super::launch::{LAUNCH, MOUNT_POINT};

/// Longest path of a Unix socket.
const LONGEST_SOCKET: usize = 107;

/// The folders of one data folder.
#[derive(Clone)]
pub(super) struct Folders {
    root: PathBuf,
    /// `bin`, `lib`, `share`.
    pub(super) programs: PathBuf,
    /// The data.
    pub(super) database: PathBuf,
    run: PathBuf,
    account: Option<Account>,
    /// The account cannot reach the folder from above (`/root` is closed, say): its programs get a view of their own.
    hidden: bool,
    /// Keeps `run` open, for a socket whose path would be too long.
    run_open: Arc<OwnedFd>,
}

impl Folders {
    /// Makes the folders and gives each to whom it belongs.
    pub(super) fn prepare(data_dir: &Path) -> anyhow::Result<Self> {
        let root = data_dir
            .canonicalize()
            .with_context(|| format!("cannot open {}", data_dir.display()))?;
        let account = account::unprivileged()?;
        let programs = root.join("postgresql").join(archive::VERSION);
        fs::create_dir_all(root.join("postgresql"))?;
        let run = root.join("run");
        own(&run, account)?;
        if let Some(account) = account {
            // The account may pass through, not look around.
            let mode = fs::metadata(&root)?.permissions().mode();
            fs::set_permissions(&root, Permissions::from_mode(mode | 0o011))?;
            fs::set_permissions(root.join("postgresql"), Permissions::from_mode(0o755))?;
            let database = root.join("database");
            if database.exists() && fs::metadata(&database)?.uid() != account.uid {
                give(&database, account)
                    .context("cannot give the database's folder to PostgreSQL's account")?;
            }
        }
        let run_open = Arc::new(OwnedFd::from(File::open(&run)?));
        let hidden = account.is_some_and(|account| !reachable(&root, account));
        Ok(Self {
            programs,
            database: root.join("database"),
            run,
            account,
            hidden,
            run_open,
            root,
        })
    }

    /// A program of PostgreSQL's, to be started without our rights.
    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg(LAUNCH);
        if let Some(account) = self.account {
            command.args([
                "--uid",
                &account.uid.to_string(),
                "--gid",
                &account.gid.to_string(),
            ]);
        }
        if self.hidden {
            command.arg("--view").arg(&self.root);
        }
        command
            .arg("--")
            .arg(self.inside(&self.programs.join("bin").join(name)));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        command.current_dir("/");
        command
    }

    /// A path as PostgreSQL's programs see it.
    pub(super) fn inside(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.root) {
            Ok(below) if self.hidden => Path::new(MOUNT_POINT).join(below),
            _ => path.to_owned(),
        }
    }

    /// An empty folder beside the database's place, whatever a crash left there.
    pub(super) fn fresh_database(&self) -> anyhow::Result<PathBuf> {
        let fresh = self.root.join("database.new");
        for old in [&fresh, &self.database] {
            if old.exists() {
                fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
            }
        }
        own(&fresh, self.account)?;
        Ok(fresh)
    }

    /// A file that only we and PostgreSQL's account can read.
    pub(super) fn write_for_server(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.run.join(name);
        fs::remove_file(&path).ok();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())?;
        if let Some(account) = self.account {
            chown(&path, Some(account.uid), Some(account.gid))?;
        }
        Ok(path)
    }

    /// The socket's folder, as a path that is short enough for a socket.
    pub(super) fn socket_folder(&self) -> anyhow::Result<PathBuf> {
        let socket = self.run.join(".s.PGSQL.5432");
        if socket.as_os_str().len() <= LONGEST_SOCKET {
            return Ok(self.run.clone());
        }
        Ok(PathBuf::from(format!(
            "/proc/self/fd/{}",
            self.run_open.as_raw_fd()
        )))
    }

    /// The file that the server's words go to, emptied.
    pub(super) fn log_file(&self) -> anyhow::Result<File> {
        let path = self.root.join("postgresql.log");
        OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The end of what the server said.
    pub(super) fn log_tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(self.root.join("postgresql.log"))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(2000)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_default()
    }
}

/// Makes a folder that is closed to everybody but its owner.
fn own(path: &Path, account: Option<Account>) -> anyhow::Result<()> {
    if !path.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make {}", path.display()))?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    if let Some(account) = account {
        chown(path, Some(account.uid), Some(account.gid))
            .with_context(|| format!("cannot give {} to PostgreSQL's account", path.display()))?;
    }
    Ok(())
}

/// Gives a whole tree to the account: it was made by a run as another user.
fn give(path: &Path, account: Account) -> std::io::Result<()> {
    std::os::unix::fs::lchown(path, Some(account.uid), Some(account.gid))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), account)?;
        }
    }
    Ok(())
}

/// Can the account pass through every folder above?
fn reachable(path: &Path, account: Account) -> bool {
    path.ancestors().all(|folder| {
        fs::metadata(folder).is_ok_and(|data| {
            let bit = if data.uid() == account.uid {
                0o100
            } else if data.gid() == account.gid {
                0o010
            } else {
                0o001
            };
            data.mode() & bit != 0
        })
    })
}
