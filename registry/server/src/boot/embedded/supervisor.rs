//! Keeps PostgreSQL running: when it dies it is started again.

use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::PORT;
use super::folders::Folders;
use super::orphan::{self, gone_within};

/// A server that dies sooner than this is not started again at once.
const SOON: Duration = Duration::from_secs(5);

/// The running server. It belongs to a thread of its own, which lives as long as the process: the server is told when that thread ends.
pub(super) struct Supervisor {
    state: Arc<Mutex<State>>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    pid: Option<Pid>,
}

impl Supervisor {
    /// Starts the server and its thread.
    pub(super) fn start(folders: Folders) -> anyhow::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("postgresql".to_owned())
            .spawn(move || keep(&folders, &shared))
            .context("cannot start a thread")?;
        Ok(Self { state, thread })
    }

    /// Stops the server in good order, by force when it takes too long.
    pub(super) fn stop(self) {
        let pid = {
            let mut state = lock(&self.state);
            state.stopping = true;
            state.pid
        };
        if let Some(pid) = pid {
            for (signal, seconds) in [(Signal::SIGINT, 15), (Signal::SIGQUIT, 5), (Signal::SIGKILL, 5)] {
                kill(pid, signal).ok();
                if gone_within(pid, Duration::from_secs(seconds)) {
                    break;
                }
            }
        }
        self.thread.join().ok();
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(folders: &Folders, shared: &Mutex<State>) {
    loop {
        let started = Instant::now();
        let child = {
            let mut state = lock(shared);
            if state.stopping {
                return;
            }
            let child = spawn(folders);
            state.pid = child
                .as_ref()
                .ok()
                .and_then(|child| i32::try_from(child.id()).ok())
                .map(Pid::from_raw);
            child
        };
        match child {
            Ok(mut child) => {
                let status = child.wait();
                let mut state = lock(shared);
                state.pid = None;
                if state.stopping {
                    return;
                }
                tracing::error!(
                    ?status,
                    log = folders.log_tail(),
                    "the embedded PostgreSQL ended; starting it again"
                );
            }
            Err(error) => tracing::error!(%error, "cannot start the embedded PostgreSQL"),
        }
        if started.elapsed() < SOON {
            thread::sleep(Duration::from_millis(500));
        }
        // Its children may outlive it for a moment and hold the data.
        orphan::stop(&folders.database).ok();
    }
}

fn spawn(folders: &Folders) -> anyhow::Result<Child> {
    let log = folders.log_file()?;
    folders
        .program("postgres")
        .arg("-D")
        .arg(folders.inside(&folders.database))
        .args([
            "-c",
            "listen_addresses=",
            "-c",
            "unix_socket_directories=../run",
            "-c",
            &format!("port={PORT}"),
        ])
        .args([
            "-c",
            "max_connections=100",
            "-c",
            "shared_buffers=128MB",
            "-c",
            "log_destination=stderr",
        ])
        .args([
            "-c",
            "logging_collector=off",
            "-c",
            "max_wal_size=512MB",
            "-c",
            "password_encryption=scram-sha-256",
        ])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start postgres")
}
