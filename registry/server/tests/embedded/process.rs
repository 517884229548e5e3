//! A running `slipway-registry all`, and what a test does with it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The program.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_slipway-registry");

pub(crate) struct Registry {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    started: Instant,
}

impl Registry {
    pub(crate) fn start(data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_as(&[BINARY], data, environment)
    }

    pub(crate) fn start_as(program: &[&str], data: &Path, environment: &[(&str, &str)]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = data.parent().unwrap().join(format!("log-{}", address.port()));
        let output = fs::File::create(&log).unwrap();
        let child = Command::new(program[0])
            .args(&program[1..])
            .args(["all", "--listen", &address.to_string(), "--data-dir"])
            .arg(data)
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self {
            child,
            address,
            log,
            started: Instant::now(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it is ready and says how long that took from the start.
    pub(crate) fn wait_ready(&mut self, patience: Duration) -> Duration {
        loop {
            if let Some(answer) = self.try_request("", "", "GET", "/readyz", "")
                && answer.starts_with("HTTP/1.1 200")
            {
                return self.started.elapsed();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && self.started.elapsed() < patience,
                "{ended:?}: {}",
                self.output()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The status of the question who one is.
    pub(crate) fn login(&self, name: &str, password: &str) -> u16 {
        let answer = self.try_request(name, password, "GET", "/api/v2.0/users/current", "");
        answer
            .and_then(|text| text.split(' ').nth(1)?.parse().ok())
            .unwrap_or(0)
    }

    pub(crate) fn request(
        &self,
        name: &str,
        password: &str,
        method: &str,
        path: &str,
        headers: &str,
    ) -> String {
        self.try_request(name, password, method, path, headers).unwrap()
    }

    fn try_request(
        &self,
        name: &str,
        password: &str,
        method: &str,
        path: &str,
        headers: &str,
    ) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let authorization = if name.is_empty() {
            String::new()
        } else {
            basic(name, password)
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{authorization}{headers}\r\n"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// All that it said.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills it and another process at the same moment.
    pub(crate) fn kill_with(&mut self, other: Pid) {
        kill(self.pid(), Signal::SIGSTOP).unwrap();
        kill_9(other);
        self.kill();
    }

    pub(crate) fn signal_terminate(&self) {
        kill(self.pid(), Signal::SIGTERM).unwrap();
    }

    pub(crate) fn terminate(&mut self, patience: Duration) -> (bool, String) {
        self.signal_terminate();
        self.wait_exit(patience)
    }

    /// Waits for its end: did it end well, and what did it say?
    pub(crate) fn wait_exit(&mut self, patience: Duration) -> (bool, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.success(), self.output());
            }
            assert!(start.elapsed() < patience, "it does not end: {}", self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // In good order, so that its PostgreSQL is gone before the folder is.
            kill(self.pid(), Signal::SIGTERM).ok();
            let start = Instant::now();
            while self.child.try_wait().is_ok_and(|status| status.is_none()) {
                if start.elapsed() > Duration::from_secs(20) {
                    self.child.kill().ok();
                    self.child.wait().ok();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// The header for a name and password.
pub(crate) fn basic(name: &str, password: &str) -> String {
    format!(
        "authorization: Basic {}\r\n",
        STANDARD.encode(format!("{name}:{password}"))
    )
}

/// The PostgreSQL of a data folder.
pub(crate) fn postgres_pid(data: &Path) -> Pid {
    let text = fs::read_to_string(data.join("database/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().trim().parse().unwrap())
}

pub(crate) fn kill_9(pid: Pid) {
    kill(pid, Signal::SIGKILL).unwrap();
}

pub(crate) fn exists(pid: Pid) -> bool {
    kill(pid, None).is_ok()
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
