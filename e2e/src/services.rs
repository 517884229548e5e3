//! A PostgreSQL and a Redis of one's own on free ports, from Debian's packages.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::progress::Progress;
use crate::shell;
use crate::tools::debian;

/// Both servers; stopped on drop, with their data.
#[derive(Debug)]
pub struct Services {
    database_url: String,
    redis_url: String,
    children: Vec<Child>,
    programs: PathBuf,
    _folder: TempDir,
}

/// A test's data need not survive a power cut.
const FORGETFUL: &[&str] = &[
    "-c",
    "fsync=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
];

/// What is acknowledged stays. These are the defaults, written down.
const DURABLE: &[&str] = &[
    "-c",
    "fsync=on",
    "-c",
    "synchronous_commit=on",
    "-c",
    "full_page_writes=on",
];

impl Services {
    /// Starts both for tests and waits until they accept connections.
    pub fn start(progress: Progress) -> Result<Self> {
        Self::start_with(FORGETFUL, progress)
    }

    /// The same with a PostgreSQL that keeps its promises, as in production.
    pub fn start_durable(progress: Progress) -> Result<Self> {
        Self::start_with(DURABLE, progress)
    }

    fn start_with(promises: &[&str], progress: Progress) -> Result<Self> {
        let root = debian::cluster_programs(progress)?;
        let _step = progress.step("PostgreSQL and Redis");
        let folder = tempfile::Builder::new().prefix("slipway-services-").tempdir()?;
        let data = folder.path().join("postgres");
        fs::create_dir(&data)?;
        let servant = Servant::new(&root);
        servant.give(folder.path())?;
        servant.give(&data)?;
        shell::run(servant.command("initdb").arg("-D").arg(&data).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]))
        .context("making a database cluster")?;

        let (database_port, redis_port) = (free_port()?, free_port()?);
        let mut services = Self {
            database_url: format!("postgres://postgres@127.0.0.1:{database_port}/postgres"),
            redis_url: format!("redis://127.0.0.1:{redis_port}"),
            children: Vec::new(),
            programs: root.clone(),
            _folder: folder,
        };
        let log = File::create(services._folder.path().join("postgres.log"))?;
        let mut postgres = servant.command("postgres");
        postgres
            .arg("-D")
            .arg(&data)
            .args([
                "-p",
                &database_port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
            ])
            .args(["-c", "unix_socket_directories=", "-c", "max_connections=400"])
            .args(promises)
            .stdout(log.try_clone()?)
            .stderr(log);
        services
            .children
            .push(postgres.spawn().context("starting PostgreSQL")?);
        let mut redis = servant.command("redis-server");
        redis
            .args(["--port", &redis_port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(services._folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        services.children.push(redis.spawn().context("starting Redis")?);
        for port in [database_port, redis_port] {
            services.await_port(port)?;
        }
        Ok(services)
    }

    /// A superuser's connection; each test makes a database of its own.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// An empty Redis.
    pub fn redis_url(&self) -> &str {
        &self.redis_url
    }

    /// PostgreSQL's first process; the others are its children.
    pub fn database_process(&self) -> Result<nix::unistd::Pid> {
        let first = self.children.first().context("PostgreSQL does not run")?;
        Ok(nix::unistd::Pid::from_raw(i32::try_from(first.id())?))
    }

    /// Runs statements with psql.
    pub fn run_sql(&self, statements: &str) -> Result<()> {
        self.query(statements).map(drop)
    }

    /// Runs statements with psql and gives their rows, columns separated by `|`.
    pub fn query(&self, statements: &str) -> Result<String> {
        let mut psql = debian::command(&self.programs, "psql");
        psql.args([
            &self.database_url,
            "--quiet",
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            "-",
        ]);
        shell::run_with_input(&mut psql, statements.as_bytes())
    }

    fn await_port(&self, port: u16) -> Result<()> {
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if began.elapsed() > Duration::from_secs(30) {
                let log = fs::read_to_string(self._folder.path().join("postgres.log"));
                bail!(
                    "nothing answers on port {port} after 30 s: {}",
                    log.unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for child in &mut self.children {
            // PostgreSQL takes its own children along only when asked to stop (SIGQUIT: at once).
            if let Ok(pid) = i32::try_from(child.id()) {
                let pid = nix::unistd::Pid::from_raw(pid);
                let _gone = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT);
            }
        }
        for child in &mut self.children {
            let began = Instant::now();
            while child.try_wait().is_ok_and(|status| status.is_none()) {
                if began.elapsed() > Duration::from_secs(5) {
                    let _gone = child.kill();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Runs programs as somebody who is not root: PostgreSQL refuses to be. They die with the thread that starts them.
#[derive(Debug)]
pub struct Servant<'a> {
    root: &'a Path,
    as_root: bool,
}

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

impl<'a> Servant<'a> {
    /// Programs of the Debian packages unpacked under `root`.
    pub fn new(root: &'a Path) -> Self {
        Self {
            root,
            as_root: nix::unistd::geteuid().is_root(),
        }
    }

    /// Makes a folder theirs.
    pub fn give(&self, path: &Path) -> Result<()> {
        if self.as_root {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY))?;
        }
        Ok(())
    }

    /// One of the programs, to be started.
    pub fn command(&self, program: &str) -> Command {
        let mut command = if self.as_root {
            // PostgreSQL looks at its own file as that somebody, who may not enter
            // /root: the programs are shown under /mnt, to this process alone.
            let root = Path::new("/mnt");
            let mut dropped = Command::new("unshare");
            dropped
                .args(["--mount", "--", "sh", "-c", SHOW_AND_DROP])
                .arg(self.root);
            dropped.args(debian::assignments(debian::environment(root)));
            dropped
        } else {
            let mut bound = Command::new("setpriv");
            bound.args(["--pdeathsig=KILL", "--", "env"]);
            bound.args(debian::assignments(debian::environment(self.root)));
            bound
        };
        command.arg(program).current_dir("/").stdin(Stdio::null());
        command
    }
}

/// `nobody` and `nogroup` are 65534 on every Debian.
const SHOW_AND_DROP: &str = "mount --bind \"$0\" /mnt && exec setpriv --reuid=65534 \
    --regid=65534 --clear-groups --pdeathsig=KILL -- env \"$@\"";

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_servers_start_as_any_user_and_leave_nothing() -> Result<()> {
        let services = Services::start(Progress::quiet())?;
        services.run_sql("CREATE TABLE one (number int); SELECT count(*) FROM one;")?;
        let redis: std::net::SocketAddr = services.redis_url().trim_start_matches("redis://").parse()?;
        assert!(TcpStream::connect(redis).is_ok());
        let folder = services._folder.path().to_path_buf();
        drop(services);
        assert!(TcpStream::connect(redis).is_err());
        assert!(!folder.exists());
        Ok(())
    }
}
