//! `slipway`: the registry's management API for people at a terminal and for their scripts.

mod arguments;
mod command;
mod config;
mod confirm;
mod failure;
mod output;
mod password;
mod place;
mod session;
#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use failure::{Failure, Result};
use session::Environment;

fn main() -> ExitCode {
    let done = run(Arguments::parse());
    match done {
        // Whoever reads has read enough.
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(failure) => {
            // Whoever closed standard error does not want to know.
            let _unread = writeln!(io::stderr(), "error: {}", output::printable(&failure.to_string()));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let environment = Environment::read(arguments.registry.clone());
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Refused(format!("this process cannot start: {error}")))?
        .block_on(command::run(arguments, &environment))
}
