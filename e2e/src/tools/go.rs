//! Programs that no release can be downloaded of, built from the Go module proxy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::cache;
use crate::progress::Progress;
use crate::{paths, shell};

/// A module under `e2e/` and what is built of it.
#[derive(Debug)]
pub struct GoModule {
    folder: &'static str,
    what: &'static str,
    /// Package and the name of its binary.
    binaries: &'static [(&'static str, &'static str)],
    ldflags: &'static str,
    /// Other names of the first binary.
    links: &'static [&'static str],
}

/// All of Kubernetes in one binary.
pub const KUBERNETES: GoModule = GoModule {
    folder: "cluster/kubernetes",
    what: "Kubernetes 1.34.2",
    binaries: &[(".", "kubernetes")],
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.2 \
              -X k8s.io/client-go/pkg/version.gitVersion=v1.34.2",
    links: &[
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-proxy",
        "kubelet",
        "kubectl",
    ],
};

/// The ingress controller.
pub const TRAEFIK: GoModule = GoModule {
    folder: "cluster/traefik",
    what: "Traefik 3.3.4",
    binaries: &[("github.com/traefik/traefik/v3/cmd/traefik", "traefik")],
    ldflags: "-s -w",
    links: &[],
};

/// The cluster's name server.
pub const COREDNS: GoModule = GoModule {
    folder: "cluster/coredns",
    what: "CoreDNS 1.15.0",
    binaries: &[(".", "coredns")],
    ldflags: "-s -w",
    links: &[],
};

/// The clients that users of a registry have.
pub const CLIENTS: GoModule = GoModule {
    folder: "cluster/tools",
    what: "crane, helm and oras",
    binaries: &[
        ("github.com/google/go-containerregistry/cmd/crane", "crane"),
        ("helm.sh/helm/v3/cmd/helm", "helm"),
        ("oras.land/oras/cmd/oras", "oras"),
    ],
    ldflags: "-s -w",
    links: &[],
};

/// The OCI's own test of registries.
pub const CONFORMANCE: GoModule = GoModule {
    folder: "cluster/conformance",
    what: "the OCI's conformance suite",
    binaries: &[(
        "github.com/opencontainers/distribution-spec/conformance",
        "conformance",
    )],
    ldflags: "-s -w",
    links: &[],
};

/// The registry that the benchmarks compare with.
pub const DISTRIBUTION: GoModule = GoModule {
    folder: "bench/distribution",
    what: "distribution 3.1.2",
    binaries: &[("github.com/distribution/distribution/v3/cmd/registry", "registry")],
    ldflags: "-s -w",
    links: &[],
};

/// The empty process that holds a pod's namespaces.
pub const PAUSE: GoModule = GoModule {
    folder: "images/pause",
    what: "pause",
    binaries: &[(".", "pause")],
    ldflags: "-s -w",
    links: &[],
};

/// The program of the story's tenant.
pub const HELLO: GoModule = GoModule {
    folder: "images/hello",
    what: "hello",
    binaries: &[(".", "hello")],
    ldflags: "-s -w",
    links: &[],
};

impl GoModule {
    /// The folder with the binaries, built unless the cache has them.
    pub fn build(&self, progress: Progress) -> Result<PathBuf> {
        let source = paths::e2e().join(self.folder);
        let name = self.folder.rsplit('/').next().unwrap_or(self.folder);
        let result = paths::cache().join("go").join(format!("{name}-{}", self.key()?));
        cache::once(&result, |unfinished| self.make(&source, unfinished, progress))?;
        Ok(result)
    }

    fn make(&self, source: &Path, folder: &Path, progress: Progress) -> Result<()> {
        if !shell::exists("go") {
            bail!(
                "{} must be built, but there is no `go` in PATH: install Go 1.26 from https://go.dev/dl/",
                self.what
            );
        }
        let _step = progress.step(format!("build {}", self.what));
        fs::create_dir_all(folder)?;
        for (package, binary) in self.binaries {
            let mut go = Command::new("go");
            go.current_dir(source)
                .env("CGO_ENABLED", "0")
                .args([
                    "build",
                    "-trimpath",
                    "-buildvcs=false",
                    "-mod=readonly",
                    "-ldflags",
                    self.ldflags,
                    "-o",
                ])
                .arg(folder.join(binary))
                .arg(package);
            shell::run(&mut go).with_context(|| format!("building {}", self.what))?;
        }
        for link in self.links {
            let (_, target) = self.binaries[0];
            std::os::unix::fs::symlink(target, folder.join(link))?;
        }
        Ok(())
    }

    /// Changes whenever the result would.
    fn key(&self) -> Result<String> {
        let folder = paths::e2e().join(self.folder);
        let mut hash = Sha256::new();
        hash.update(self.ldflags);
        for file in ["go.mod", "go.sum", "main.go"] {
            match fs::read(folder.join(file)) {
                Ok(bytes) => hash.update(bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("reading {file}")),
            }
        }
        Ok(hex::encode(&hash.finalize()[..8]))
    }
}
