use std::io::Write as _;
use std::path::PathBuf;

use crate::command::Printer;
use crate::config::{Config, Known};
use crate::failure::{Failure, Result};
use crate::password;
use crate::session::{Environment, Session, Target, full_url, name_of, read_ca};

/// Remember a registry and an account.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// The registry, such as registry.example.org; https:// unless it says http://.
    url: Option<String>,
    /// The account: a person's name, or a robot's full name.
    #[arg(short, long, env = "SLIPWAY_USER", hide_env_values = true)]
    user: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Trust these authorities (PEM) instead of the system's.
    #[arg(long, value_name = "FILE", env = "SLIPWAY_CA_FILE", hide_env_values = true)]
    ca_file: Option<PathBuf>,
}

impl Login {
    pub(crate) async fn run(self, environment: &Environment, out: &mut Printer) -> Result<()> {
        let path = environment.config_path()?;
        let mut config = Config::read(&path)?;
        let url = self.url.as_ref().or(environment.url.as_ref()).ok_or_else(|| {
            Failure::Usage("which registry? Write `slipway login registry.example.org`".to_owned())
        })?;
        let (url, name) = (full_url(url), name_of(url));
        let user = self
            .user
            .filter(|user| !user.is_empty())
            .ok_or_else(|| Failure::Usage("whose account? Add --user NAME".to_owned()))?;
        if url.starts_with("http://") && !is_here(&name) {
            let _unread = writeln!(
                std::io::stderr(),
                "warning: {url} is not encrypted: everybody between here and there can read the password"
            );
        }
        let password = match (self.password_stdin, &environment.password) {
            (true, _) => password::from_stdin()?,
            (false, Some(password)) => password.clone(),
            (false, None) => password::from_terminal(&user)?,
        };
        let ca = self.ca_file.as_deref().map(read_ca).transpose()?;
        let session = Session::new(Target {
            url: url.clone(),
            account: Some((user.clone(), password.clone())),
            ca: ca.clone(),
        })?;
        // Robots have no page of their own (412); they are let in all the same.
        match session.client.user_current().await {
            Ok(_) => {}
            Err(error) if error.is_precondition() => {}
            Err(error) if error.is_unauthorized() => {
                return Err(Failure::Forbidden(format!(
                    "{name} does not accept {user} with this password: nothing is remembered"
                )));
            }
            Err(error) => return Err(error.into()),
        }
        let known = Known {
            url,
            user: user.clone(),
            password,
            ca,
        };
        config.registries.insert(name.clone(), known);
        config.current = Some(name.clone());
        config.write(&path)?;
        out.done(
            "login",
            &name,
            &format!("as {user} remembered in {}", path.display()),
        )
    }
}

/// Does this never leave the machine?
fn is_here(name: &str) -> bool {
    let host = name.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == "localhost"
        || host == "[::1]"
        || host.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
}
