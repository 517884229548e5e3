//! `cargo xtask check`: what must hold of the sources themselves.

use std::process::Command;

use anyhow::{Result, bail};

use crate::paths;

/// Formatting, lints, licences, dependency direction, drift of generated files.
#[derive(Debug, clap::Args)]
pub struct Check {}

/// Name and command of each check.
const CHECKS: &[(&str, &[&str])] = &[
    ("formatting", &["cargo", "fmt", "--all", "--check"]),
    (
        "lints",
        &["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    ),
];

impl Check {
    /// Runs all of them, and then says which failed.
    pub fn run(self) -> Result<()> {
        let mut failed = Vec::new();
        for (name, command) in CHECKS {
            let (program, arguments) = command.split_first().unwrap_or((&"false", &[]));
            let status =
                Command::new(program).args(arguments).current_dir(paths::repository()).status()?;
            println!("{name}: {}", if status.success() { "ok" } else { "FAILED" });
            if !status.success() {
                failed.push(*name);
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join(", "))
    }
}
