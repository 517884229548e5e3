//! `cargo xtask check`: what must hold of the sources themselves.

use std::process::Command;

use anyhow::{Result, bail};

use crate::checks::{generated, structure};
use crate::progress::Progress;
use crate::tools::cargo_deny;
use crate::{paths, shell};

/// Formatting, lints, licences, dependency direction, drift of generated files.
#[derive(Debug, clap::Args)]
pub struct Check {}

type Rule = fn() -> Result<()>;

impl Check {
    /// Runs all of them, and then says which failed.
    pub fn run(self) -> Result<()> {
        let checks: [(&str, Rule); 5] = [
            ("formatting", formatting),
            ("structure", structure_rules),
            ("lints", lints),
            ("licences, advisories and dependency direction", dependencies),
            ("generated files", generated::check),
        ];
        let mut failed = Vec::new();
        for (name, check) in checks {
            match check() {
                Ok(()) => println!("ok      {name}"),
                Err(error) => {
                    println!("FAILED  {name}\n{error:#}");
                    failed.push(name);
                }
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        bail!("failed: {}", failed.join("; "))
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = shell::cargo();
    cargo
        .current_dir(paths::repository())
        .args(arguments)
        .env("SQLX_OFFLINE", "true");
    cargo
}

fn formatting() -> Result<()> {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))
}

fn structure_rules() -> Result<()> {
    let found = structure::violations(&paths::repository())?;
    if found.is_empty() {
        Ok(())
    } else {
        bail!("{}", found.join("\n"))
    }
}

fn lints() -> Result<()> {
    shell::run(&mut cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn dependencies() -> Result<()> {
    let program = cargo_deny::program(Progress::new())?;
    let mut deny = Command::new(program);
    deny.current_dir(paths::repository()).args([
        "--offline",
        "check",
        "--allow",
        "unused-wrapper",
        "bans",
        "licenses",
        "sources",
    ]);
    shell::run(&mut deny)?;
    // The advisory database is fetched from its own server: no network, no verdict.
    let mut advisories = Command::new(cargo_deny::program(Progress::new())?);
    advisories
        .current_dir(paths::repository())
        .args(["check", "advisories"]);
    match shell::run(&mut advisories) {
        Ok(()) => Ok(()),
        Err(error) if format!("{error:#}").contains("failed to fetch") => {
            println!("skipped advisories: their database cannot be reached from here");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
