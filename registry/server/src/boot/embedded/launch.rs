//! Becoming a program of PostgreSQL's: a hidden command of ours that gives up what we have and PostgreSQL must not, then turns into
//! the program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, getppid, setgid, setgroups, setuid};

/// The command's name.
pub(in crate::boot) const LAUNCH: &str = "launch-postgresql";

/// Where the data folder is seen in a view of its own.
pub(super) const MOUNT_POINT: &str = "/mnt";

/// What to give up, and what to become.
#[derive(Args)]
pub(in crate::boot) struct Launch {
    /// User to become.
    #[arg(long, requires = "gid")]
    uid: Option<u32>,
    /// Group to become.
    #[arg(long)]
    gid: Option<u32>,
    /// Folder that is seen at /mnt by this program alone, because its user cannot reach it from above.
    #[arg(long)]
    view: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(required = true, last = true)]
    program: Vec<OsString>,
}

/// Turns into the program; comes back only with an error.
pub(in crate::boot) fn launch(launch: &Launch) -> anyhow::Result<()> {
    let parent = getppid();
    if let Some(folder) = &launch.view {
        show(folder).with_context(|| {
            format!(
                "PostgreSQL's account cannot reach {}, because a folder above it is closed to others, and this container \
                 may not make a view for it: choose another --data-dir, or run as an ordinary user",
                folder.display()
            )
        })?;
    }
    if let (Some(uid), Some(gid)) = (launch.uid, launch.gid) {
        setgroups(&[]).context("cannot give up groups")?;
        setgid(Gid::from_raw(gid)).context("cannot change the group")?;
        setuid(Uid::from_raw(uid)).context("cannot change the user")?;
    }
    // When our process dies, whatever the way, PostgreSQL shuts down in good order. It is started by a thread that lives as long as the
    // process does.
    prctl::set_pdeathsig(Signal::SIGINT).context("cannot tie PostgreSQL to this process")?;
    anyhow::ensure!(getppid() == parent, "the registry ended");
    let (program, arguments) = launch.program.split_first().context("no program is named")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", Path::new(program).display()))
}

/// Makes the folder visible at the mount point, for this process and its children only.
fn show(folder: &Path) -> nix::Result<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    mount(Some(folder), MOUNT_POINT, NONE, MsFlags::MS_BIND, NONE)
}
