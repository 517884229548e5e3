//! The little that the cluster needs of the host itself: control groups, and
//! kernel settings that a kubelet changes and `down` puts back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::layout::NODES;
use crate::shell;

const CGROUPS: &str = "/sys/fs/cgroup";
/// Parent of every node's control groups.
pub const CGROUP: &str = "slipway";

/// What kubelets write; these are the kernel's, not a namespace's.
const SETTINGS: &[&str] = &[
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

/// Fails with everything that is missing, not with the first.
pub fn require() -> Result<()> {
    let mut missing = Vec::new();
    if !cfg!(target_os = "linux") {
        missing.push("Linux".to_owned());
    }
    if !nix::unistd::geteuid().is_root() {
        missing.push("root (namespaces, mounts and control groups are made)".to_owned());
    }
    for program in ["nsenter", "unshare"] {
        if !shell::exists(program) {
            missing.push(format!("the program `{program}` (Debian: util-linux)"));
        }
    }
    if !Path::new(CGROUPS).is_dir() {
        missing.push(format!("control groups mounted on {CGROUPS}"));
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "the local cluster needs {}; or use a cluster of your own with --context NAME, or Docker and kind",
        missing.join(", ")
    )
}

/// Loads what may be a module; where it is built in, modprobe fails and nothing is lost.
pub fn load_modules() {
    for module in ["br_netfilter", "overlay", "nf_nat", "xt_comment", "xt_statistic"] {
        let _built_in_or_absent = shell::run(Command::new("modprobe").arg(module));
    }
}

/// Notes the settings that a kubelet is going to change.
pub fn remember_settings(file: &Path) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    let values: BTreeMap<&str, String> = SETTINGS
        .iter()
        .filter_map(|key| Some((*key, fs::read_to_string(setting(key)).ok()?)))
        .collect();
    fs::write(file, serde_json::to_vec_pretty(&values)?)?;
    Ok(())
}

/// Puts them back.
pub fn restore_settings(file: &Path) -> Result<()> {
    let Ok(bytes) = fs::read(file) else { return Ok(()) };
    let values: BTreeMap<String, String> = serde_json::from_slice(&bytes)?;
    for (key, value) in values {
        if fs::read_to_string(setting(&key)).is_ok_and(|now| now != value) {
            fs::write(setting(&key), value).with_context(|| format!("restoring {key}"))?;
        }
    }
    Ok(())
}

fn setting(key: &str) -> PathBuf {
    Path::new("/proc/sys").join(key)
}

/// Makes a control group for each node, in every hierarchy.
pub fn create_cgroups() -> Result<()> {
    if Path::new(CGROUPS).join("cgroup.controllers").exists() {
        return create_unified_cgroups();
    }
    for hierarchy in hierarchies()? {
        for node in NODES {
            fs::create_dir_all(hierarchy.join(CGROUP).join(node.name))?;
        }
        // A new cpuset is empty, and nothing can run in an empty one.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if let Ok(value) = fs::read(hierarchy.join(file)) {
                fs::write(hierarchy.join(CGROUP).join(file), &value)?;
                for node in NODES {
                    fs::write(hierarchy.join(CGROUP).join(node.name).join(file), &value)?;
                }
            }
        }
    }
    Ok(())
}

/// One hierarchy (cgroup v2): controllers are handed down level by level.
fn create_unified_cgroups() -> Result<()> {
    let mut folder = PathBuf::from(CGROUPS);
    for part in [CGROUP, ""] {
        for controller in ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"] {
            let _absent_in_this_kernel =
                fs::write(folder.join("cgroup.subtree_control"), format!("+{controller}"));
        }
        folder.push(part);
        fs::create_dir_all(&folder)?;
    }
    for node in NODES {
        fs::create_dir_all(folder.join(node.name))?;
    }
    Ok(())
}

/// Removes them; only empty groups can go, so processes must be dead.
pub fn remove_cgroups() -> Result<()> {
    let mut roots = vec![PathBuf::from(CGROUPS)];
    roots.extend(hierarchies()?);
    for root in roots {
        remove_tree(&root.join(CGROUP));
    }
    Ok(())
}

fn hierarchies() -> Result<Vec<PathBuf>> {
    Ok(fs::read_dir(CGROUPS)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        // Links (cpu → cpu,cpuacct) would be done twice.
        .filter(|path| path.is_dir() && !path.is_symlink() && path.join("cgroup.procs").exists())
        .filter(|path| path.file_name().is_some_and(|name| name != CGROUP))
        .collect())
}

fn remove_tree(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    // A process killed a moment ago may still be leaving.
    for _ in 0..50 {
        if fs::remove_dir(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
