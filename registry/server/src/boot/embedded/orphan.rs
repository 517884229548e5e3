//! A PostgreSQL that an earlier process of ours left behind: stopped before a new one starts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Stops whatever still runs on this data folder, and takes away a lock file that nobody holds.
pub(super) fn stop(database: &Path) -> anyhow::Result<()> {
    let lock = database.join("postmaster.pid");
    if !database.exists() {
        return Ok(());
    }
    let mut running = running_in(database);
    if !running.is_empty() {
        tracing::warn!("an earlier process left its PostgreSQL behind; stopping it");
    }
    // In good order, then at once (the log repairs it), then by force.
    for (signal, seconds) in [(Signal::SIGINT, 5), (Signal::SIGQUIT, 5), (Signal::SIGKILL, 5)] {
        if running.is_empty() {
            break;
        }
        // The postmaster tells its children; where it is dead they end by themselves, or are told.
        match pid_in(&lock).filter(|pid| running.contains(pid)) {
            Some(postmaster) => {
                kill(postmaster, signal).ok();
            }
            None => {
                for pid in &running {
                    kill(*pid, signal).ok();
                }
            }
        }
        let start = Instant::now();
        while !running.is_empty() && start.elapsed() < Duration::from_secs(seconds) {
            std::thread::sleep(Duration::from_millis(20));
            running = running_in(database);
        }
    }
    if !running.is_empty() {
        bail!(
            "processes {running:?} run on {} and do not end",
            database.display()
        );
    }
    // PostgreSQL takes a number that is in use for a sign of life, whoever uses it now.
    if pid_in(&lock).is_some_and(exists) {
        fs::remove_file(&lock)?;
    }
    Ok(())
}

/// Waits for the end of a process.
pub(super) fn gone_within(pid: Pid, patience: Duration) -> bool {
    let start = Instant::now();
    while exists(pid) && !is_zombie(pid) {
        if start.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

fn pid_in(lock: &Path) -> Option<Pid> {
    let text = fs::read_to_string(lock).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

fn exists(pid: Pid) -> bool {
    kill(pid, None) != Err(Errno::ESRCH)
}

fn is_zombie(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z'))
    })
}

/// The working directory of every process of a PostgreSQL is its data folder; the same folder has the same number under every
/// view. A dead process has none.
fn running_in(database: &Path) -> Vec<Pid> {
    let (Ok(ours), Ok(processes)) = (fs::metadata(database), fs::read_dir("/proc")) else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            fs::metadata(format!("/proc/{pid}/cwd"))
                .is_ok_and(|cwd| (cwd.dev(), cwd.ino()) == (ours.dev(), ours.ino()))
        })
        .map(Pid::from_raw)
        // Our own shell may stand there: only what is a PostgreSQL is stopped.
        .filter(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == "postgres")
        })
        .collect()
}
