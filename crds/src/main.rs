//! Writes everything that is generated from the custom resources, or checks that it is up to date.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use similar::TextDiff;
use slipway_crds::generate::{Output, outputs};

/// Generates the definitions of the custom resources, the operator's rights and the reference page.
#[derive(Debug, Parser)]
struct Arguments {
    /// Writes nothing; prints a diff and fails when a file is not what would be written.
    #[arg(long)]
    check: bool,
    /// The root of the repository.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
    root: PathBuf,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut drifted = false;
    for output in outputs()? {
        drifted |= if arguments.check {
            differs(&arguments, &output)?
        } else {
            write(&arguments, &output)?
        };
    }
    if arguments.check && drifted {
        eprintln!("generated files are out of date: run `cargo run -p slipway-crds --bin crdgen`");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn differs(arguments: &Arguments, output: &Output) -> anyhow::Result<bool> {
    let known = fs::read_to_string(arguments.root.join(&output.path)).unwrap_or_default();
    if known == output.text {
        return Ok(false);
    }
    let name = output.path.display().to_string();
    println!(
        "{}",
        TextDiff::from_lines(&known, &output.text)
            .unified_diff()
            .context_radius(3)
            .header(&name, &name)
    );
    Ok(true)
}

fn write(arguments: &Arguments, output: &Output) -> anyhow::Result<bool> {
    let path = arguments.root.join(&output.path);
    if fs::read_to_string(&path).is_ok_and(|known| known == output.text) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(&path, &output.text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", output.path.display());
    Ok(true)
}
