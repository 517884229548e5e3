//! `cargo xtask down`: removes everything that `up` made.

use anyhow::Result;

use crate::platform;

/// Removes everything that `up` made.
#[derive(Debug, clap::Args)]
pub struct Down {}

impl Down {
    /// Leaves nothing behind; succeeds when there is nothing.
    pub fn run(self) -> Result<()> {
        if platform::take_down()? {
            println!("everything that `cargo xtask up` made is gone");
        } else {
            println!("there was nothing to remove");
        }
        Ok(())
    }
}
