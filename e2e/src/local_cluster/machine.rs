//! A machine: network, mounts, processes and host name of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, anyhow};
use nix::sched::{CloneFlags, setns, unshare};
use serde::{Deserialize, Serialize};

use super::layout::{INSIDE, Layout};
use crate::tools::debian;

/// What a machine consists of; its first process reads it from a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Host name and network namespace.
    pub name: String,
    /// Its folder on the host, with `lib` and `log`, `hosts` and `resolv.conf`.
    pub folder: PathBuf,
    /// Folders of the host shown under [`INSIDE`].
    pub shown: BTreeMap<String, PathBuf>,
    /// Its daemons, started again whenever they die.
    pub programs: Vec<Program>,
}

/// One daemon.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    /// Names its log file.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Seconds to wait before the first start.
    #[serde(default)]
    pub delay: f32,
}

impl Program {
    /// A daemon started at once.
    pub fn new(name: &str, command: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            command,
            delay: 0.0,
        }
    }
}

impl Machine {
    /// Lays out the machine's folder; daemons may add their files to it.
    pub fn prepare(layout: &Layout, name: &str, hosts: &str) -> Result<Self> {
        let folder = layout.machine(name);
        for part in ["lib", "log", "etc", "names"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(
            folder.join("hosts"),
            format!("127.0.0.1 localhost\n127.0.1.1 {name}\n{hosts}"),
        )?;
        fs::write(
            folder.join("resolv.conf"),
            "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
        )?;
        fs::write(folder.join("names/hosts"), hosts)?;
        let shown = BTreeMap::from([
            ("debian".to_owned(), layout.tools.debian.clone()),
            ("kubernetes".to_owned(), layout.tools.kubernetes.clone()),
            ("pki".to_owned(), layout.pki()),
            ("etc".to_owned(), folder.join("etc")),
            ("names".to_owned(), folder.join("names")),
        ]);
        Ok(Self {
            name: name.to_owned(),
            folder,
            shown,
            programs: Vec::new(),
        })
    }

    /// Starts the first process; the machine dies with it.
    pub fn start(&self) -> Result<Child> {
        let plan = self.folder.join("machine.json");
        fs::write(&plan, serde_json::to_vec_pretty(self)?)?;
        let log = File::create(self.folder.join("log/init.log"))?;
        let network = File::open(Path::new("/run/netns").join(&self.name))
            .with_context(|| format!("network namespace {}", self.name))?;
        // Namespaces belong to threads: this one is given up afterwards, and the
        // child is the first process of the new process namespace.
        let spawn = move || -> Result<Child> {
            setns(&network, CloneFlags::CLONE_NEWNET).context("entering the network namespace")?;
            unshare(
                CloneFlags::CLONE_NEWNS
                    | CloneFlags::CLONE_NEWPID
                    | CloneFlags::CLONE_NEWUTS
                    | CloneFlags::CLONE_NEWIPC,
            )
            .context("making namespaces")?;
            Command::new(std::env::current_exe()?)
                .arg("machine-init")
                .arg(&plan)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
                .context("starting the first process")
        };
        let child = std::thread::spawn(spawn)
            .join()
            .map_err(|_| anyhow!("the starting thread panicked"))?
            .with_context(|| format!("machine {}", self.name))?;
        fs::write(self.folder.join("pid"), child.id().to_string())?;
        Ok(child)
    }
}

/// A command run inside a machine that was started before.
pub fn inside(layout: &Layout, name: &str, program: &str) -> Result<Command> {
    let pid = fs::read_to_string(layout.machine(name).join("pid"))
        .with_context(|| format!("machine {name} was never started"))?;
    let mut command = Command::new("nsenter");
    command
        .args(["-t", pid.trim(), "-m", "-u", "-i", "-n", "-p", "--", "env"])
        .args(debian::assignments(environment()))
        .arg(program);
    Ok(command)
}

/// The environment in which daemons find their programs and libraries.
pub fn environment() -> [(&'static str, String); 3] {
    let inside = Path::new(INSIDE);
    debian::environment_behind(&inside.join("kubernetes"), &inside.join("debian"))
}
