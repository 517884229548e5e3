//! The registry.

mod boot;
mod config;
mod distribution;
mod error;
mod features;
mod kernel;
mod router;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    boot::run(boot::Cli::parse())
}
