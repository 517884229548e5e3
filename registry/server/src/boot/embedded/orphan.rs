//! A PostgreSQL that an earlier process of ours left behind: stopped before a new one starts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Stops the server that runs on this data folder, if there is one.
pub(super) fn stop(database: &Path) -> anyhow::Result<()> {
    let lock = database.join("postmaster.pid");
    let Some(pid) = pid_in(&lock) else { return Ok(()) };
    if !alive(pid) {
        // A stale file: PostgreSQL sees that for itself.
        return Ok(());
    }
    if !works_in(pid, database) {
        // The number belongs to somebody else now, which PostgreSQL cannot always tell.
        fs::remove_file(&lock).ok();
        return Ok(());
    }
    tracing::warn!(pid = pid.as_raw(), "an earlier process left its PostgreSQL behind; stopping it");
    // In good order, then at once (the log repairs it), then by force.
    let steps = [(Signal::SIGINT, 5), (Signal::SIGQUIT, 5), (Signal::SIGKILL, 5)];
    for (signal, seconds) in steps {
        kill(pid, signal).ok();
        if gone_within(pid, Duration::from_secs(seconds)) {
            return Ok(());
        }
    }
    bail!("process {pid}, a PostgreSQL that runs on {}, does not end", database.display())
}

/// Waits for the end of a process.
pub(super) fn gone_within(pid: Pid, patience: Duration) -> bool {
    let start = Instant::now();
    while alive(pid) {
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

fn alive(pid: Pid) -> bool {
    let zombie = || {
        fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
    };
    !matches!(kill(pid, None), Err(Errno::ESRCH)) && !zombie()
}

/// PostgreSQL's working directory is its data folder; the same folder has the same number under every view.
fn works_in(pid: Pid, database: &Path) -> bool {
    let (Ok(cwd), Ok(ours)) = (fs::metadata(format!("/proc/{pid}/cwd")), fs::metadata(database)) else { return false };
    (cwd.dev(), cwd.ino()) == (ours.dev(), ours.ino())
}
