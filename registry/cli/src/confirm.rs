//! Asks before something is gone for good.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::arguments::Consent;
use crate::failure::{Failure, Result};
use crate::output::printable;

/// Goes on only with consent: `--yes`, or `y` at a terminal.
pub(crate) fn confirm(consent: Consent, deed: &str) -> Result<()> {
    if consent.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "nobody can be asked whether to {deed}: add --yes"
        )));
    }
    let mut answer = String::new();
    write!(io::stderr(), "{}? [y/N] ", printable(deed))
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| Failure::Refused(format!("the terminal cannot be read: {error}")))?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Refused("nothing was done".to_owned())),
    }
}
