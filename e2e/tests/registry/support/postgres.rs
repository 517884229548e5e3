//! A PostgreSQL that keeps its promises (fsync) and can be killed, frozen and started again.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use slipway_e2e::progress::Progress;
use slipway_e2e::registry_process::free_port;
use slipway_e2e::services::Servant;
use slipway_e2e::shell;
use slipway_e2e::tools::debian;
use tempfile::TempDir;

pub(crate) struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// Makes one and starts it.
    pub(crate) async fn start() -> Result<Self> {
        let programs = debian::cluster_programs(Progress::new())?;
        let folder = tempfile::Builder::new().prefix("slipway-postgres-").tempdir()?;
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        let servant = Servant::new(&programs);
        servant.give(folder.path())?;
        servant.give(&data)?;
        let mut initdb = servant.command("initdb");
        initdb.arg("-D").arg(&data);
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        shell::run(&mut initdb)?;
        let mut postgres = Self {
            port: free_port()?,
            programs,
            folder,
            child: None,
        };
        postgres.start_again()?;
        postgres.answers().await?;
        Ok(postgres)
    }

    /// A second server that follows this one. From now on a commit is acknowledged when both have it.
    pub(crate) async fn standby(&self) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("slipway-standby-").tempdir()?;
        let servant = Servant::new(&self.programs);
        servant.give(folder.path())?;
        let mut copy = servant.command("pg_basebackup");
        copy.arg("-D").arg(folder.path().join("data"));
        copy.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"]);
        copy.args(["--checkpoint=fast", "--write-recovery-conf"]);
        shell::run(&mut copy)?;
        let mut standby = Self {
            programs: self.programs.clone(),
            folder,
            port: free_port()?,
            child: None,
        };
        standby.start_again()?;
        standby.answers().await?;
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.sql("SELECT pg_reload_conf()")?;
        Ok(standby)
    }

    /// Makes a standby the server that takes writes.
    pub(crate) fn promote(&self) -> Result<()> {
        self.sql("SELECT pg_promote()").map(drop)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, after a kill for instance.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("postgres.log"))?;
        let child = Servant::new(&self.programs)
            .command("postgres")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "max_connections=100"])
            // Little to repair after a kill.
            .args(["-c", "max_wal_size=64MB", "-c", "shared_buffers=32MB"])
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until it answers.
    pub(crate) async fn answers(&self) -> Result<()> {
        let began = Instant::now();
        while self.sql("SELECT 1").is_err() {
            if began.elapsed() > Duration::from_secs(60) {
                bail!(
                    "PostgreSQL: {}",
                    fs::read_to_string(self.folder.path().join("postgres.log"))?
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// kill -9 of the postmaster and of every process that it made.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let all = self.processes()?;
        for pid in &all {
            let _gone = kill(*pid, Signal::SIGKILL);
        }
        if let Some(mut child) = self.child.take() {
            child.wait()?;
        }
        // A new one refuses to start while old ones hold the shared memory.
        let began = Instant::now();
        while all.iter().any(|pid| is_alive(*pid)) {
            if began.elapsed() > Duration::from_secs(10) {
                bail!("processes of PostgreSQL live on after kill -9");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Freezes all of it: connections stay open and nobody answers.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// Runs a statement.
    pub(crate) fn sql(&self, statement: &str) -> Result<String> {
        let mut psql = debian::command(&self.programs, "psql");
        psql.args(["--no-psqlrc", "-qtA", "-v", "ON_ERROR_STOP=1", "-c", statement])
            .arg(self.url());
        psql.env("PGCONNECT_TIMEOUT", "5").env("PGSSLMODE", "disable");
        shell::output(&mut psql)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        for pid in self.processes()? {
            let _gone = kill(pid, signal);
        }
        Ok(())
    }

    /// The postmaster first, then its children.
    fn processes(&self) -> Result<Vec<Pid>> {
        let child = self.child.as_ref().context("PostgreSQL does not run")?;
        let postmaster = i32::try_from(child.id())?;
        let mut all = vec![Pid::from_raw(postmaster)];
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok())
            else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
                continue;
            };
            let parent = stat
                .rsplit_once(") ")
                .and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<i32>().ok());
            if parent == Some(postmaster) {
                all.push(Pid::from_raw(pid));
            }
        }
        Ok(all)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.child.is_some()
            && let Err(error) = self.kill()
        {
            eprintln!("{error:#}");
        }
    }
}

/// Does it hold anything? A zombie waits for nothing but whoever inherited it.
fn is_alive(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with('Z'))
    })
}
