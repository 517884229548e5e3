//! cargo-deny, of a fixed version.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::cache;
use crate::progress::Progress;
use crate::{paths, shell};

const VERSION: &str = "0.20.2";

/// The program; built into the cache where it is not there yet.
pub fn program(progress: Progress) -> Result<PathBuf> {
    let root = paths::cache().join(format!("cargo-deny-{VERSION}"));
    cache::once(&root, |unfinished| {
        let _step = progress.step(format!("cargo-deny {VERSION} is built"));
        shell::run(
            Command::new("cargo")
                .args([
                    "install",
                    "--quiet",
                    "--locked",
                    "cargo-deny",
                    "--version",
                    VERSION,
                    "--root",
                ])
                .arg(unfinished)
                // Away from the checkout, whose settings are not meant for it.
                .current_dir("/"),
        )
    })?;
    Ok(root.join("bin/cargo-deny"))
}
