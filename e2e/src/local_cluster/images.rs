//! Container images, built by Debian's buildah from Containerfiles `FROM scratch`.
//!
//! There is no engine and no base image; buildah needs neither. Finished images
//! are kept as archives in the cache, named by what went into them.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::layout::{Layout, NODES};
use super::machine;
use crate::progress::Progress;
use crate::tools::{Tools, cache, debian, go};
use crate::{paths, shell};

/// An image on disk.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its full name, such as `slipway.local/registry:dev`.
    pub name: String,
    /// An OCI archive (tar).
    pub archive: PathBuf,
}

/// Builds images with the programs of `Tools`.
#[derive(Clone, Debug)]
pub struct ImageBuilder<'a> {
    /// Programs to build with and to put in.
    pub tools: &'a Tools,
    /// Told of each build.
    pub progress: Progress,
}

impl ImageBuilder<'_> {
    /// The container that holds a pod's namespaces.
    pub fn pause(&self) -> Result<Image> {
        let binary = go::PAUSE.build(self.progress)?.join("pause");
        self.stand_in("pause", "slipway.local/pause:dev", &[(&binary, "pause")])
    }

    /// The program that the story's tenant runs; also what is pushed.
    pub fn hello(&self) -> Result<Image> {
        let binary = go::HELLO.build(self.progress)?.join("hello");
        self.stand_in("hello", "slipway.local/hello:dev", &[(&binary, "hello")])
    }

    /// The name server.
    pub fn coredns(&self) -> Result<Image> {
        let files: [(&Path, &str); 1] = [(&self.tools.coredns, "coredns")];
        self.stand_in("coredns", "slipway.local/coredns:dev", &files)
    }

    /// The ingress controller.
    pub fn traefik(&self) -> Result<Image> {
        let files: [(&Path, &str); 1] = [(&self.tools.traefik, "traefik")];
        self.stand_in("traefik", "slipway.local/traefik:dev", &files)
    }

    /// A program linked against glibc statically, as ours are; proves name look-ups.
    pub fn resolve(&self) -> Result<Image> {
        let source = paths::e2e().join("images/resolve/resolve.rs");
        let name = format!("resolve-{}", hash(&[&fs::read(&source)?]));
        let binary = paths::cache().join("rust").join(name);
        cache::once(&binary, |unfinished| {
            shell::run(
                std::process::Command::new("rustc")
                    .args(["--edition=2024", "-O", "-C", "target-feature=+crt-static", "-o"])
                    .arg(unfinished)
                    .arg(&source),
            )
        })?;
        self.stand_in("resolve", "slipway.local/resolve:dev", &[(&binary, "resolve")])
    }

    /// PostgreSQL with a shell, as `docker.io/library/postgres` has it.
    pub fn postgres(&self) -> Result<Image> {
        self.of_packages(
            "postgres",
            "slipway.local/postgres:15",
            &["postgresql-15", "tzdata"],
        )
    }

    /// Redis with a shell.
    pub fn redis(&self) -> Result<Image> {
        self.of_packages("redis", "slipway.local/redis:7", &["redis-server"])
    }

    /// An image of a program of ours: `containerfile` copies the file `binary`.
    pub fn program(&self, name: &str, containerfile: &Path, binary: &Path) -> Result<Image> {
        let file_name = binary
            .file_name()
            .context("a binary without name")?
            .to_string_lossy();
        self.build(name, containerfile, &[(binary, &file_name)])
    }

    fn stand_in(&self, folder: &str, name: &str, files: &[(&Path, &str)]) -> Result<Image> {
        let containerfile = paths::e2e().join("images").join(folder).join("Containerfile");
        self.build(name, &containerfile, files)
    }

    /// The root file system is the packages' content; the Containerfile adds users and settings.
    fn of_packages(&self, folder: &str, name: &str, packages: &[&str]) -> Result<Image> {
        let mut all = vec!["dash", "coreutils", "libc-bin", "libc6", "sed", "grep"];
        all.extend(packages);
        let root = debian::unpack(folder, &all, &[], self.progress)?;
        cache::link("dash", &root.join("bin/sh"))?;
        // What installing would have made; open to any user, as pods choose their own.
        for (writable, mode) in [
            ("tmp", 0o1777),
            ("run/postgresql", 0o777),
            ("var/lib/postgresql", 0o777),
            ("data", 0o777),
        ] {
            fs::create_dir_all(root.join(writable))?;
            fs::set_permissions(root.join(writable), fs::Permissions::from_mode(mode))?;
        }
        cache::link("/run", &root.join("var/run"))?;
        self.stand_in(folder, name, &[(&root, "root")])
    }

    fn build(&self, name: &str, containerfile: &Path, files: &[(&Path, &str)]) -> Result<Image> {
        let key = key(name, containerfile, files)?;
        let plain = name.replace(['/', ':'], "_");
        let archive = paths::cache().join("images").join(format!("{plain}-{key}.tar"));
        cache::once(&archive, |unfinished| {
            self.make(name, containerfile, files, unfinished)
        })?;
        Ok(Image {
            name: name.to_owned(),
            archive,
        })
    }

    fn make(&self, name: &str, containerfile: &Path, files: &[(&Path, &str)], archive: &Path) -> Result<()> {
        let _step = self.progress.step(format!("build image {name}"));
        let work = tempfile::Builder::new().prefix("slipway-image-").tempdir()?;
        let context = work.path().join("context");
        fs::create_dir(&context)?;
        let beside = containerfile.parent().context("a Containerfile without folder")?;
        let extra = beside.join("files");
        if extra.is_dir() {
            copy(&extra, &context.join("files"))?;
        }
        for (source, target) in files {
            copy(source, &context.join(target))?;
        }
        let policy = work.path().join("policy.json");
        fs::write(&policy, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#)?;

        shell::run(
            self.buildah(work.path())
                .args([
                    "build",
                    "--isolation",
                    "chroot",
                    "--timestamp",
                    "0",
                    "--signature-policy",
                ])
                .arg(&policy)
                .arg("--file")
                .arg(containerfile)
                .args(["--tag", name])
                .arg(&context),
        )?;
        shell::run(
            self.buildah(work.path())
                .args(["push", "--signature-policy"])
                .arg(&policy)
                .arg(name)
                .arg(format!("oci-archive:{}:{}", archive.display(), tag(name)?)),
        )
    }

    /// Storage of its own: nothing of the user's containers is touched.
    fn buildah(&self, work: &Path) -> std::process::Command {
        let mut command = self.tools.debian_command("buildah");
        command
            .env(
                "CONTAINERS_CONF",
                self.tools.debian.join("usr/share/containers/containers.conf"),
            )
            .env(
                "CONTAINERS_REGISTRIES_CONF",
                self.tools.debian.join("etc/containers/registries.conf"),
            )
            .env("TMPDIR", work)
            .args(["--storage-driver", "vfs", "--root"])
            .arg(work.join("storage"))
            .arg("--runroot")
            .arg(work.join("run"));
        command
    }
}

/// Gives an image to the container runtime of every node.
pub fn load(layout: &Layout, image: &Image) -> Result<()> {
    std::thread::scope(|scope| {
        let loads: Vec<_> = NODES
            .iter()
            .map(|node| scope.spawn(|| load_on(layout, node.name, image)))
            .collect();
        for load in loads {
            load.join()
                .map_err(|_| anyhow::anyhow!("loading {} panicked", image.name))??;
        }
        Ok(())
    })
}

fn load_on(layout: &Layout, node: &str, image: &Image) -> Result<()> {
    let repository = image
        .name
        .rsplit_once(':')
        .map_or(image.name.as_str(), |(name, _)| name);
    let mut command = machine::inside(layout, node, "ctr")?;
    command
        .args(["-n", "k8s.io", "images", "import", "--base-name", repository, "-"])
        .stdin(Stdio::from(File::open(&image.archive)?))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let done = command.output()?;
    if !done.status.success() {
        bail!(
            "loading {} on {node}: {}",
            image.name,
            String::from_utf8_lossy(&done.stderr)
        );
    }
    Ok(())
}

fn tag(name: &str) -> Result<&str> {
    name.rsplit_once(':')
        .map(|(_, tag)| tag)
        .context("an image name without tag")
}

fn copy(source: &Path, target: &Path) -> Result<()> {
    shell::run(std::process::Command::new("cp").arg("-a").arg(source).arg(target))?;
    if source.is_file() {
        fs::set_permissions(target, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Unpacked packages are named by their content's key, so their path stands for them.
fn key(name: &str, containerfile: &Path, files: &[(&Path, &str)]) -> Result<String> {
    let mut parts = vec![name.as_bytes().to_vec(), fs::read(containerfile)?];
    if let Some(extra) = containerfile.parent().map(|folder| folder.join("files")) {
        let mut names: Vec<PathBuf> = fs::read_dir(&extra)
            .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
            .unwrap_or_default();
        names.sort();
        for file in names {
            parts.push(fs::read(&file).with_context(|| format!("reading {}", file.display()))?);
        }
    }
    for (source, target) in files {
        parts.push(target.as_bytes().to_vec());
        parts.push(if source.is_dir() {
            source.to_string_lossy().into_owned().into_bytes()
        } else {
            fs::read(source).with_context(|| format!("reading {}", source.display()))?
        });
    }
    Ok(hash(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..8])
}
