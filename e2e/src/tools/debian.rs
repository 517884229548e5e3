//! Debian's packages, unpacked into the cache instead of installed.
//!
//! The machine's own package state stays as it is, and the same code makes the
//! root file systems of the PostgreSQL and Redis images.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::cache;
use crate::progress::Progress;
use crate::{paths, shell};

/// Packages that a program run on this machine finds here anyway, or never needs.
const NOT_FOR_HOST: &[&str] = &["libc6", "libgcc-s1", "gcc-12-base"];

/// What maintainer scripts need; nothing that runs does.
const NEVER: &[&str] = &[
    "adduser",
    "debconf",
    "debianutils",
    "dpkg",
    "init-system-helpers",
    "install-info",
    "login",
    "lsb-base",
    "passwd",
    "perl",
    "perl-base",
    "sysvinit-utils",
    "ucf",
    "sensible-utils",
    "gpg",
    "gpgconf",
    "libllvm14",
    "libz3-4",
    "locales",
    "locales-all",
    "postgresql-client-common",
    "postgresql-common",
    "ssl-cert",
    "libjson-perl",
    "openssl",
    "libc-l10n",
    "uidmap",
];

/// The daemons of a node, and the tools that build and copy images.
pub fn cluster_programs(progress: Progress) -> Result<PathBuf> {
    let root = unpack(
        "cluster",
        &[
            "etcd-server",
            "containerd",
            "runc",
            "containernetworking-plugins",
            "iptables",
            "iproute2",
            "skopeo",
            "buildah",
            "redis-server",
            "postgresql-15",
        ],
        NOT_FOR_HOST,
        progress,
    )?;
    // Debian makes these by update-alternatives when the package is configured.
    for (link, target) in [
        ("iptables", "xtables-nft-multi"),
        ("iptables-save", "xtables-nft-multi"),
        ("iptables-restore", "xtables-nft-multi"),
        ("ip6tables", "xtables-nft-multi"),
        ("ip6tables-save", "xtables-nft-multi"),
        ("ip6tables-restore", "xtables-nft-multi"),
    ] {
        cache::link(target, &root.join("usr/sbin").join(link))?;
    }
    Ok(root)
}

/// The web server that the benchmarks compare with.
pub fn nginx(progress: Progress) -> Result<PathBuf> {
    unpack("bench", &["nginx"], NOT_FOR_HOST, progress)
}

/// Unpacks `packages` with all they depend on, except `without`, under one root.
pub fn unpack(name: &str, packages: &[&str], without: &[&str], progress: Progress) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    hash.update(packages.join(" "));
    hash.update(without.join(" "));
    hash.update(NEVER.join(" "));
    hash.update("without just-in-time compiler");
    let key = hex::encode(&hash.finalize()[..8]);
    let root = paths::cache().join("debian").join(format!("{name}-{key}"));
    cache::once(&root, |unfinished| {
        let _step = progress.step(format!("fetch Debian packages for {name}"));
        unpack_into(unfinished, packages, without)
    })?;
    Ok(root)
}

fn unpack_into(folder: &Path, packages: &[&str], without: &[&str]) -> Result<()> {
    for program in ["apt-get", "apt-cache", "dpkg"] {
        if !shell::exists(program) {
            bail!(
                "{} come from Debian's packages, but this machine has no {program}: \
                 use Debian or Ubuntu, or a cluster of your own with --context",
                packages.join(", ")
            );
        }
    }
    let downloads = folder.join("downloads");
    fs::create_dir_all(&downloads)?;
    let closure = match fetch(packages, without, &downloads) {
        Ok(closure) => Ok(closure),
        // The lists may be missing (a fresh machine) or older than the archive.
        Err(_) if nix::unistd::geteuid().is_root() => {
            shell::run(Command::new("apt-get").args(["update", "--quiet"]))?;
            fetch(packages, without, &downloads)
        }
        Err(error) => Err(error),
    };
    closure.with_context(|| {
        format!(
            "fetching {}; as root, `apt-get update` may help, else install these packages",
            packages.join(", ")
        )
    })?;
    for entry in fs::read_dir(&downloads)? {
        shell::run(Command::new("dpkg").arg("-x").arg(entry?.path()).arg(folder))?;
    }
    fs::remove_dir_all(&downloads)?;
    drop_just_in_time_compiler(folder)
}

/// PostgreSQL loads its compiler if the file is there, and fails a big query
/// when LLVM (100 MB, left out) is not.
fn drop_just_in_time_compiler(root: &Path) -> Result<()> {
    let library = root.join("usr/lib/postgresql/15/lib");
    for (path, folder) in [("llvmjit.so", false), ("bitcode", true)] {
        let path = library.join(path);
        if path.exists() {
            if folder {
                fs::remove_dir_all(path)?
            } else {
                fs::remove_file(path)?
            }
        }
    }
    Ok(())
}

/// A command that finds the libraries unpacked beside it.
pub fn command(root: &Path, program: &str) -> Command {
    let found = FOLDERS
        .iter()
        .map(|folder| root.join(folder).join(program))
        .find(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from(program));
    let mut command = Command::new(found);
    command.envs(environment(root));
    command
}

/// What the unpacked programs need to find each other, their libraries and iptables' extensions.
pub fn environment(root: &Path) -> [(&'static str, String); 3] {
    [
        ("PATH", search_path(root)),
        ("LD_LIBRARY_PATH", library_path(root)),
        (
            "XTABLES_LIBDIR",
            format!("{}/usr/lib/{}/xtables", root.display(), triple()),
        ),
    ]
}

/// The same, with the programs of another folder before them.
pub fn environment_behind(first: &Path, root: &Path) -> [(&'static str, String); 3] {
    environment(root).map(|(name, value)| match name {
        "PATH" => (name, format!("{}:{value}", first.display())),
        _ => (name, value),
    })
}

/// An environment as arguments of `env`.
pub fn assignments(environment: [(&'static str, String); 3]) -> [String; 3] {
    environment.map(|(name, value)| format!("{name}={value}"))
}

/// `PATH` with the unpacked programs first.
fn search_path(root: &Path) -> String {
    let mut folders: Vec<String> = FOLDERS
        .iter()
        .map(|folder| root.join(folder).display().to_string())
        .collect();
    folders.push(std::env::var("PATH").unwrap_or_default());
    folders.join(":")
}

/// `LD_LIBRARY_PATH` of the unpacked programs.
fn library_path(root: &Path) -> String {
    let triple = triple();
    format!("{0}/usr/lib/{triple}:{0}/lib/{triple}", root.display())
}

/// Debian's name of this machine's architecture in paths of libraries.
fn triple() -> String {
    format!("{}-linux-gnu", std::env::consts::ARCH)
}

const FOLDERS: &[&str] = &[
    "usr/bin",
    "usr/sbin",
    "bin",
    "sbin",
    "usr/lib/postgresql/15/bin",
    "usr/lib/cni",
];

fn fetch(packages: &[&str], without: &[&str], downloads: &Path) -> Result<()> {
    let closure = closure(packages, without)?;
    shell::run(
        Command::new("apt-get")
            .current_dir(downloads)
            .args(["download", "--quiet", "-o", "APT::Sandbox::User=root"])
            .args(&closure),
    )
}

/// Level by level, so that a package left out takes what only it needs with it.
fn closure(packages: &[&str], without: &[&str]) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    let mut level: BTreeSet<String> = packages.iter().map(ToString::to_string).collect();
    while !level.is_empty() {
        let listed = shell::output(
            Command::new("apt-cache")
                .args(["depends", "--no-recommends", "--no-suggests", "--no-conflicts"])
                .args(["--no-breaks", "--no-replaces", "--no-enhances"])
                .args(&level),
        )?;
        all.append(&mut level);
        level = listed
            .lines()
            .filter_map(|line| {
                line.strip_prefix("  Depends: ")
                    .or_else(|| line.strip_prefix("  PreDepends: "))
            })
            .map(|name| name.trim_end_matches(":any").to_owned())
            .filter(|name| !name.starts_with('<') && !all.contains(name))
            .filter(|name| !without.contains(&name.as_str()) && !NEVER.contains(&name.as_str()))
            .collect();
    }
    Ok(all)
}
