//! The first process of a machine: arranges its mounts, keeps its daemons
//! running and reaps every orphan.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, sethostname};

use super::layout::INSIDE;
use super::machine::{Machine, Program, environment};

/// How long a daemon that died stays down.
const PAUSE: Duration = Duration::from_secs(1);

/// The first process of a node.
#[derive(Debug, clap::Args)]
pub struct MachineInit {
    /// What the machine consists of.
    plan: PathBuf,
}

impl MachineInit {
    /// Never returns while the machine lives.
    pub fn run(self) -> Result<()> {
        let machine: Machine = serde_json::from_slice(&fs::read(&self.plan)?)?;
        sethostname(&machine.name)?;
        arrange_mounts(&machine)?;
        keep_running(&machine.programs)
    }
}

fn arrange_mounts(machine: &Machine) -> Result<()> {
    // Nothing of this may show on the host.
    mount_flags("/", MsFlags::MS_REC | MsFlags::MS_PRIVATE)?;
    mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        MsFlags::empty(),
        None::<&str>,
    )
    .context("mounting /proc")?;

    // A source may lie under /run or /var/lib: held open, it stays reachable
    // through /proc/self/fd after those folders are covered.
    let lib = hold(&machine.folder.join("lib"))?;
    let log = hold(&machine.folder.join("log"))?;
    let hosts = hold(&machine.folder.join("hosts"))?;
    let resolver = hold(&machine.folder.join("resolv.conf"))?;
    let shown = machine
        .shown
        .iter()
        .map(|(name, path)| Ok((name, hold(path)?)))
        .collect::<Result<Vec<_>>>()?;

    bind(&lib, Path::new("/var/lib"))?;
    bind(&log, Path::new("/var/log"))?;
    mount(
        Some("tmpfs"),
        "/run",
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )
    .context("mounting /run")?;
    for (name, source) in &shown {
        let target = Path::new(INSIDE).join(name);
        fs::create_dir_all(&target)?;
        bind(source, &target)?;
    }
    bind_file(&hosts, "/etc/hosts")?;
    bind_file(&resolver, "/etc/resolv.conf")?;
    mount_flags("/", MsFlags::MS_REC | MsFlags::MS_SHARED)
}

fn hold(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_PATH.bits())
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}

fn bind(source: &File, target: &Path) -> Result<()> {
    let source = format!("/proc/self/fd/{}", source.as_raw_fd());
    mount(
        Some(source.as_str()),
        target,
        None::<&str>,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        None::<&str>,
    )
    .with_context(|| format!("mounting {}", target.display()))
}

/// The target may be a link into the /run that was just covered.
fn bind_file(source: &File, target: &str) -> Result<()> {
    if fs::metadata(target).is_err() {
        let real = fs::read_link(target).unwrap_or_else(|_| target.into());
        let real = Path::new("/etc").join(real);
        if let Some(parent) = real.parent() {
            fs::create_dir_all(parent)?;
        }
        File::create(real)?;
    }
    bind(source, Path::new(target))
}

fn mount_flags(target: &str, flags: MsFlags) -> Result<()> {
    mount(None::<&str>, target, None::<&str>, flags, None::<&str>)
        .with_context(|| format!("changing the mount of {target}"))
}

fn keep_running(programs: &[Program]) -> Result<()> {
    let born = Instant::now();
    let mut waiting: Vec<(Instant, &Program)> = programs
        .iter()
        .map(|program| (born + Duration::from_secs_f32(program.delay), program))
        .collect();
    let mut running: HashMap<i32, &Program> = HashMap::new();
    loop {
        let now = Instant::now();
        let (due, later) = waiting.into_iter().partition(|(at, _)| *at <= now);
        waiting = later;
        let due: Vec<(Instant, &Program)> = due;
        for (_, program) in due {
            match start(program) {
                Ok(pid) => {
                    running.insert(pid, program);
                }
                Err(error) => {
                    eprintln!("{}: {error:#}", program.name);
                    waiting.push((now + PAUSE, program));
                }
            }
        }
        loop {
            match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
                Ok(status) => match status.pid() {
                    Some(pid) => {
                        if let Some(program) = running.remove(&pid.as_raw()) {
                            eprintln!("{} ended ({status:?}), starts again", program.name);
                            waiting.push((Instant::now() + PAUSE, program));
                        }
                    }
                    None => break,
                },
                Err(Errno::ECHILD) => break,
                Err(error) => return Err(error).context("waiting for children"),
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn start(program: &Program) -> Result<i32> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(format!("/var/log/{}.log", program.name))?;
    let (name, arguments) = program.command.split_first().context("an empty command")?;
    let child = Command::new(name)
        .args(arguments)
        .envs(environment())
        .env("HOME", "/run")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    i32::try_from(child.id()).context("process number")
}
