//! Which registry is spoken to, and as whom.

use std::path::PathBuf;

use slipway_api::Secret;
use slipway_api::client::Client;

use crate::config::{self, Config, Known};
use crate::failure::{Failure, Result};

/// What the surroundings say.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `--registry` or `SLIPWAY_URL`.
    pub(crate) url: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) xdg_config_home: Option<PathBuf>,
    pub(crate) home: Option<PathBuf>,
}

/// An account at a registry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    pub(crate) url: String,
    /// Name and password; none: a stranger.
    pub(crate) account: Option<(String, Secret)>,
    /// PEM.
    pub(crate) ca: Option<String>,
}

/// An open door.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    /// As image references begin.
    pub(crate) host: String,
    pub(crate) target: Target,
}

impl Environment {
    /// Reads the variables; an empty one is none.
    pub(crate) fn read(url: Option<String>) -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            url: url.filter(|url| !url.is_empty()),
            user: text("SLIPWAY_USER"),
            password: text("SLIPWAY_PASSWORD").map(Secret::new),
            ca_file: text("SLIPWAY_CA_FILE").map(PathBuf::from),
            xdg_config_home: text("XDG_CONFIG_HOME").map(PathBuf::from),
            home: text("HOME").map(PathBuf::from),
        }
    }

    /// Where logins are kept.
    pub(crate) fn config_path(&self) -> Result<PathBuf> {
        config::path(self.xdg_config_home.clone(), self.home.clone())
    }

    /// Opens the registry that is meant.
    pub(crate) fn open(&self) -> Result<Session> {
        let remembered = match (self.config_path(), &self.url) {
            (Ok(path), _) => Config::read(&path)?,
            // Whoever names the registry needs no file.
            (Err(_), Some(_)) => Config::default(),
            (Err(failure), None) => return Err(failure),
        };
        Session::new(self.choose(&remembered)?)
    }

    /// A password that is remembered goes to the registry that it was given for and to no other.
    pub(crate) fn choose(&self, config: &Config) -> Result<Target> {
        let known = match &self.url {
            Some(url) => config.registries.get(&name_of(url)).filter(|known| {
                // A host alone is whatever was logged in to; a URL must be the very same.
                !url.contains("://") || known.url == full_url(url)
            }),
            None => config
                .current
                .as_ref()
                .and_then(|name| config.registries.get(name)),
        };
        let url = match (&self.url, known) {
            (_, Some(known)) => known.url.clone(),
            (Some(url), None) => full_url(url),
            (None, None) => {
                return Err(Failure::Usage(
                    "no registry is known: `slipway login https://…`, or set SLIPWAY_URL".to_owned(),
                ));
            }
        };
        let ca = match &self.ca_file {
            Some(file) => Some(read_ca(file)?),
            None => known.and_then(|known| known.ca.clone()),
        };
        Ok(Target {
            url,
            account: self.account(known)?,
            ca,
        })
    }

    fn account(&self, known: Option<&Known>) -> Result<Option<(String, Secret)>> {
        let remembered = |known: &Known| (known.user.clone(), known.password.clone());
        match (&self.user, &self.password) {
            (None, None) => Ok(known.map(remembered)),
            (Some(user), Some(password)) => Ok(Some((user.clone(), password.clone()))),
            (Some(user), None) => match known.filter(|known| known.user == *user) {
                Some(known) => Ok(Some(remembered(known))),
                None => Err(Failure::Usage(format!(
                    "SLIPWAY_USER is {user}, and no password is known: set SLIPWAY_PASSWORD, or log in"
                ))),
            },
            (None, Some(_)) => Err(Failure::Usage(
                "SLIPWAY_PASSWORD is set and SLIPWAY_USER is not: set both or none".to_owned(),
            )),
        }
    }
}

impl Session {
    /// Nothing is sent yet.
    pub(crate) fn new(target: Target) -> Result<Self> {
        let mut builder =
            Client::builder(&target.url).user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")));
        if let Some((user, password)) = &target.account {
            builder = builder.basic(user, password.expose());
        }
        if let Some(ca) = &target.ca {
            builder = builder.ca_pem(ca.as_bytes());
        }
        let name = name_of(&target.url);
        Ok(Self {
            client: builder.build()?,
            host: name.split('/').next().unwrap_or_default().to_owned(),
            target,
        })
    }
}

/// Reads certificates to trust.
pub(crate) fn read_ca(file: &std::path::Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

/// With `https://` where no scheme was written, and without slashes at the end.
pub(crate) fn full_url(text: &str) -> String {
    let text = text.trim_end_matches('/');
    match text.contains("://") {
        true => text.to_owned(),
        false => format!("https://{text}"),
    }
}

/// What a registry is remembered under: its URL without scheme.
pub(crate) fn name_of(url: &str) -> String {
    let url = full_url(url);
    url.split_once("://")
        .map_or(url.clone(), |(_, rest)| rest.to_owned())
}
