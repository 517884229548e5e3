//! Reads a password: from standard input, from the environment, from the terminal without echo. Never from an argument,
//! which other users of the machine can see.

use std::io::{self, IsTerminal as _, Read as _};

use slipway_api::Secret;

use crate::failure::{Failure, Result};

/// The longest input that is read as a password, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The first line of standard input.
pub(crate) fn from_stdin() -> Result<Secret> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Usage(format!("no password can be read from standard input: {error}")))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::Usage(
            "standard input holds no password: pipe it in, such as `slipway login … --password-stdin < file`"
                .to_owned(),
        ));
    }
    Ok(Secret::new(line))
}

/// What is typed, unseen.
pub(crate) fn from_terminal(user: &str) -> Result<Secret> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "there is no terminal to ask for the password: use --password-stdin or SLIPWAY_PASSWORD"
                .to_owned(),
        ));
    }
    let typed = rpassword::prompt_password(format!("password of {user}: "))
        .map_err(|error| Failure::Usage(format!("the terminal cannot be read: {error}")))?;
    if typed.is_empty() {
        return Err(Failure::Usage("no password was typed".to_owned()));
    }
    Ok(Secret::new(typed))
}
