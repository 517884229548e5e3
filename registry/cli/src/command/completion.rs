use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::command::Printer;
use crate::failure::{Failure, Result};

/// Print a script that completes commands.
#[derive(Debug, clap::Args)]
pub(crate) struct Completion {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self, out: &mut Printer) -> Result<()> {
        // Written to memory first: the generator cannot tell that nobody reads.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "slipway", &mut script);
        let script = String::from_utf8(script)
            .map_err(|error| Failure::Refused(format!("the script is no text: {error}")))?;
        out.text(&script)
    }
}
