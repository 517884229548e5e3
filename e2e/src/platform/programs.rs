//! Our own two programs, as files to put into images.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::progress::Progress;
use crate::{paths, shell};

/// The registry's program as cargo builds it for tests.
pub fn registry_program() -> Result<PathBuf> {
    built("slipway-registry")
}

/// The command line, built the same way.
pub fn command_line_program() -> Result<PathBuf> {
    built("slipway")
}

fn built(name: &str) -> Result<PathBuf> {
    let mut cargo = shell::cargo();
    cargo.current_dir(paths::repository());
    cargo.args([
        "build",
        "--quiet",
        "--message-format=json-render-diagnostics",
        "--bin",
        name,
    ]);
    executable(&shell::output(&mut cargo)?, name)
}

/// The static binaries, without debug information.
pub(super) struct Programs {
    pub(super) registry: PathBuf,
    pub(super) operator: PathBuf,
}

impl Programs {
    /// Builds both: as the tests do (quick), or optimised.
    pub(super) fn build(release: bool, progress: Progress) -> Result<Self> {
        let _step = progress.step("slipway-registry and slipway-operator are built");
        let mut cargo = shell::cargo();
        cargo.current_dir(paths::repository()).args([
            "build",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ]);
        cargo.args(["--bin", "slipway-registry", "--bin", "slipway-operator"]);
        if release {
            cargo.arg("--release");
        }
        let messages = shell::output(&mut cargo)?;
        Ok(Self {
            registry: stripped(&executable(&messages, "slipway-registry")?)?,
            operator: stripped(&executable(&messages, "slipway-operator")?)?,
        })
    }
}

/// Where cargo says that it put a binary.
fn executable(messages: &str, name: &str) -> Result<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo did not say where {name} is"))
}

/// A copy without symbols: a debug build is ten times its size with them.
fn stripped(binary: &Path) -> Result<PathBuf> {
    let name = binary.file_name().context("a binary without name")?;
    let folder = paths::target().join("image-binaries");
    std::fs::create_dir_all(&folder)?;
    let copy = folder.join(name);
    if shell::exists("strip") {
        shell::run(Command::new("strip").arg("-o").arg(&copy).arg(binary))?;
    } else {
        std::fs::copy(binary, &copy)?;
    }
    Ok(copy)
}
