use crate::command::Printer;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::session::{Environment, name_of};

/// Forget a registry and its account: that of the last login, or another one.
#[derive(Debug, clap::Args)]
pub(crate) struct Logout {
    /// The registry.
    url: Option<String>,
}

impl Logout {
    pub(crate) fn run(self, environment: &Environment, out: &mut Printer) -> Result<()> {
        let path = environment.config_path()?;
        let mut config = Config::read(&path)?;
        let name = self
            .url
            .as_ref()
            .or(environment.url.as_ref())
            .map(|url| name_of(url))
            .or_else(|| config.current.clone())
            .ok_or_else(|| Failure::NotFound("nobody is logged in".to_owned()))?;
        if config.registries.remove(&name).is_none() {
            return Err(Failure::NotFound(format!("nobody is logged in to {name}")));
        }
        if config.current.as_ref() == Some(&name) {
            config.current = None;
        }
        config.write(&path)?;
        out.done("login", &name, "forgotten")
    }
}
