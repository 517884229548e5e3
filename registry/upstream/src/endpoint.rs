//! Where a registry is, and how to be let in.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::address::AddressPolicy;
use crate::{Error, Result};

/// A password or token: it goes over the wire, and never into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// How a registry knows the caller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credential {
    /// Not at all.
    #[default]
    None,
    /// By name and password. Where the registry uses tokens, they are fetched with these.
    Basic {
        /// The name.
        user: String,
        /// The password, access token or key.
        password: Secret,
    },
    /// By a token that is sent as it is with every request.
    Bearer(Secret),
    /// By a refresh token (Docker's "identity token"), with which the tokens for single repositories are fetched.
    Identity(Secret),
}

impl Credential {
    /// Name and password.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Basic {
            user: user.into(),
            password: Secret::new(password),
        }
    }
}

/// How long one waits, and how often one tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// How long a connection may take to come about.
    pub connect: Duration,
    /// How long the head of an answer may take.
    pub answer: Duration,
    /// How long a body may stand still, in either direction. There is no limit on the whole of it.
    pub stall: Duration,
    /// How long the registry may take to acknowledge an upload once it has all bytes.
    pub finish: Duration,
    /// How often a request is sent at most where it may be repeated, and how many times in a row a transfer may
    /// break without a byte of progress.
    pub attempts: u32,
    /// The shortest pause before a repetition; pauses double from there.
    pub pause: Duration,
    /// The longest that is waited for a registry which asks for patience. Beyond it the call fails at once with
    /// [`Error::Throttled`], so that nobody sleeps while holding what others need.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(60),
            finish: Duration::from_secs(600),
            attempts: 5,
            pause: Duration::from_millis(500),
            longest_wait: Duration::from_secs(120),
        }
    }
}

/// A registry, and all that is needed to speak to it.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) url: Url,
    pub(crate) credential: Credential,
    pub(crate) insecure: bool,
    pub(crate) ca_pem: Option<String>,
    pub(crate) proxy: Option<Url>,
    pub(crate) token_hosts: Vec<String>,
    pub(crate) addresses: AddressPolicy,
    pub(crate) patience: Patience,
    pub(crate) user_agent: String,
}

// A proxy's URL may hold a password.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url.as_str())
            .field("credential", &self.credential)
            .field("insecure", &self.insecure)
            .field("token_hosts", &self.token_hosts)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// A registry at `https://host[:port][/prefix]` (or `http://`), anonymous, with public addresses only.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text.trim())
            .map_err(|error| Error::Invalid(format!("url: {text:?} is no URL of a registry: {error}")))?;
        Self::new(url)
    }

    pub(crate) fn new(url: Url) -> Result<Self> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(Error::Invalid(
                "url: write http:// or https:// and a host".to_owned(),
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Invalid(
                "url: credentials do not belong into the URL of a registry, set them apart".to_owned(),
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::Invalid(
                "url: a query or fragment does not belong into the URL of a registry".to_owned(),
            ));
        }
        Ok(Self {
            url,
            credential: Credential::None,
            insecure: false,
            ca_pem: None,
            proxy: None,
            token_hosts: Vec::new(),
            addresses: AddressPolicy::public_only(),
            patience: Patience::default(),
            user_agent: concat!("slipway/", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }

    /// How the registry knows the caller.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// Takes any certificate. Everything that is sent, the password included, can then be read on the way.
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    /// Trusts these certificates (PEM, one or more) beside the system's.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<String>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Goes through an HTTP proxy, whose URL may hold a name and a password for it. The environment's proxy settings
    /// are never looked at.
    #[must_use]
    pub fn proxy(mut self, proxy: Url) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Confirms that this host, too, may get the credentials in exchange for tokens.
    #[must_use]
    pub fn token_host(mut self, host: impl Into<String>) -> Self {
        self.token_hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// Which addresses may be connected to.
    #[must_use]
    pub fn addresses(mut self, addresses: AddressPolicy) -> Self {
        self.addresses = addresses;
        self
    }

    /// How long one waits, and how often one tries.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The `User-Agent`.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// The registry's URL.
    pub fn url(&self) -> &Url {
        &self.url
    }
}
