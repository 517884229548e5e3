//! What processes cost: processor time and peak memory, from /proc.

use std::collections::HashMap;
use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// A program beside the registry; stopped on drop.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    stop: Signal,
}

impl Program {
    /// Starts it; `stop` is the signal that ends it with its children.
    pub(super) fn start(mut command: Command, stop: Signal) -> Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        Ok(Self { child, stop })
    }

    pub(super) fn pid(&self) -> Result<Pid> {
        pid_of(&self.child)
    }

    /// Has it ended by itself?
    pub(super) fn has_ended(&mut self) -> bool {
        !self.child.try_wait().is_ok_and(|status| status.is_none())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(pid) = self.pid() {
            let _gone = kill(pid, self.stop);
        }
        let began = Instant::now();
        while !self.has_ended() {
            if began.elapsed() > Duration::from_secs(5) {
                let _gone = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub(super) fn pid_of(child: &Child) -> Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(child.id())?))
}

/// Processes that are watched: roots with all their descendants.
#[derive(Clone, Debug)]
pub(super) struct Family {
    roots: Vec<Pid>,
}

impl Family {
    pub(super) fn new(roots: impl Into<Vec<Pid>>) -> Self {
        Self { roots: roots.into() }
    }

    /// Processor time that all of them, and those that ended, have used.
    pub(super) fn processor_time(&self) -> Result<Duration> {
        // One that has just ended counts with its parent.
        let stats = self.members()?.into_iter().filter_map(stat);
        time(stats.map(|stat| stat.own + stat.ended).sum())
    }

    /// From now on peaks count anew.
    pub(super) fn forget_peak(&self) -> Result<()> {
        for pid in self.members()? {
            let file = format!("/proc/{pid}/clear_refs");
            fs::write(&file, "5").with_context(|| format!("writing {file}"))?;
        }
        Ok(())
    }

    /// The sum of the peaks (VmHWM), in bytes.
    pub(super) fn peak_memory(&self) -> Result<u64> {
        let mut sum = 0;
        for pid in self.members()? {
            let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
                continue;
            };
            let peak = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
            sum += peak.map_or(Ok(0), str::parse::<u64>)? * 1024;
        }
        Ok(sum)
    }

    fn members(&self) -> Result<Vec<Pid>> {
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            if let Some(stat) = stat(Pid::from_raw(pid)) {
                children.entry(stat.parent).or_default().push(pid);
            }
        }
        let mut members = self.roots.clone();
        let mut at = 0;
        while at < members.len() {
            let below = children.remove(&members[at].as_raw()).unwrap_or_default();
            members.extend(below.into_iter().map(Pid::from_raw));
            at += 1;
        }
        Ok(members)
    }
}

/// Processor time that the load generator has used.
pub(super) fn own_processor_time() -> Result<Duration> {
    time(stat(Pid::this()).context("no /proc/self/stat")?.own)
}

fn time(ticks: u64) -> Result<Duration> {
    let second = sysconf(SysconfVar::CLK_TCK)?.context("no clock ticks")?;
    Ok(Duration::from_secs_f64(ticks as f64 / second as f64))
}

/// Processor time in ticks.
struct Stat {
    parent: i32,
    own: u64,
    /// Of children that it waited for.
    ended: u64,
}

fn stat(pid: Pid) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain anything; what follows it starts with the state.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: number(11)? + number(12)?,
        ended: number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_count_with_their_parent() -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & sleep 60"]);
        let program = Program::start(command, Signal::SIGTERM)?;
        let family = Family::new([program.pid()?]);
        let began = Instant::now();
        while family.members()?.len() < 3 && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let members = family.members()?;
        assert_eq!(members.len(), 3);
        assert!(family.peak_memory()? > 0);
        for pid in &members[1..] {
            kill(*pid, Signal::SIGKILL)?;
        }
        Ok(())
    }
}
