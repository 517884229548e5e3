//! Python packages of fixed versions, each set in a virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::cache;
use crate::progress::Progress;
use crate::{paths, shell};

/// What is installed together.
#[derive(Debug)]
pub struct PythonPackages {
    name: &'static str,
    /// Every package, dependencies included, with its version.
    requirements: &'static str,
}

/// A client of Harbor's management API that others wrote.
pub const HARBORAPI: PythonPackages = PythonPackages {
    name: "harborapi",
    requirements: include_str!("../../clients/harborapi/requirements.txt"),
};

/// Tries an API by its OpenAPI document.
pub const SCHEMATHESIS: PythonPackages = PythonPackages {
    name: "schemathesis",
    requirements: include_str!("../../clients/schemathesis/requirements.txt"),
};

impl PythonPackages {
    /// The interpreter that finds them; installed unless the cache has them.
    pub fn interpreter(&self, progress: Progress) -> Result<PathBuf> {
        let mut hash = Sha256::new();
        hash.update(self.requirements);
        let key = hex::encode(&hash.finalize()[..8]);
        let result = paths::cache().join("python").join(format!("{}-{key}", self.name));
        cache::once(&result, |unfinished| self.install(unfinished, progress))?;
        Ok(result.join("bin/python"))
    }

    fn install(&self, folder: &Path, progress: Progress) -> Result<()> {
        if !shell::exists("python3") {
            bail!(
                "{} needs Python, but there is no `python3` in PATH: install Python 3.9 or later with its venv module",
                self.name
            );
        }
        let _step = progress.step(format!("install {}", self.name));
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(folder))
            .context("making a virtual environment; Debian has it in the package python3-venv")?;
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, self.requirements)?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "-r",
        ])
        .arg(&requirements);
        shell::run(&mut pip).with_context(|| format!("installing {}", self.name))
    }
}
