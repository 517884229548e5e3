//! Takes a cluster down, or what a killed start left of one.
//!
//! Works from what can be seen (recorded processes, names of namespaces and
//! control groups), so it needs no intact state.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::layout::{CONTROL_NAMESPACE, Layout, NODES, SWITCH_NAMESPACE};
use super::{host, network};

/// A machine's mounts go with it, and what was written to them is synced first:
/// on a busy disk that takes a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// Removes processes, mounts, namespaces, links, control groups and files.
pub fn everything() -> Result<()> {
    let home = Layout::home();
    // In order first: the supervisor takes its machines along and reaps them.
    if let Some(pid) = recorded(&home.join("supervisor.pid"), "supervise") {
        let _gone = kill(pid, Signal::SIGTERM);
        if !gone_within(pid, PATIENCE) {
            let _gone = kill(pid, Signal::SIGKILL);
        }
    }
    let machines = machines();
    for pid in &machines {
        let _gone = kill(*pid, Signal::SIGKILL);
    }
    for pid in machines {
        gone_within(pid, PATIENCE);
    }
    let names = NODES
        .iter()
        .map(|node| node.name)
        .chain([CONTROL_NAMESPACE, SWITCH_NAMESPACE]);
    for name in names {
        if Path::new("/run/netns").join(name).exists() {
            network::remove(name)?;
        }
    }
    host::remove_cgroups()?;
    host::restore_settings(&home.join("host-settings.json"))?;
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("removing {}", home.display()))?;
    }
    Ok(())
}

/// First processes of machines, whoever started them: their command
/// line says so, which no other program does.
fn machines() -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .map(Pid::from_raw)
        .filter(|pid| {
            command_line(*pid)
                .get(1)
                .is_some_and(|word| word == "machine-init")
        })
        .collect()
}

/// The process noted in `file`, if it is still what it was.
fn recorded(file: &PathBuf, word: &str) -> Option<Pid> {
    let pid = Pid::from_raw(fs::read_to_string(file).ok()?.trim().parse().ok()?);
    command_line(pid)
        .get(1)
        .is_some_and(|found| found == word)
        .then_some(pid)
}

fn command_line(pid: Pid) -> Vec<String> {
    fs::read(format!("/proc/{pid}/cmdline"))
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

fn gone_within(pid: Pid, patience: Duration) -> bool {
    let began = Instant::now();
    while began.elapsed() < patience {
        if command_line(pid).len() < 2 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
