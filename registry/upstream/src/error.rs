//! Why a call to another registry failed.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use slipway_model::Digest;
use tokio::time::Instant;
use url::Url;

/// What calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where something happened: what was tried, and at which host. Never holds a query, a token or a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Host and, where it is written, port.
    pub host: String,
    /// What was tried, such as `getting the manifest v1 of team/app`.
    pub operation: String,
}

impl Site {
    pub(crate) fn new(url: &Url, operation: &str) -> Self {
        let host = url.host_str().unwrap_or_default();
        Self {
            host: match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            operation: operation.to_owned(),
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.operation, self.host)
    }
}

/// Why a registry does not let somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// There are no credentials, and without some nothing is shown.
    Anonymous,
    /// Name or password are wrong, or have expired.
    Credentials,
    /// The account is good, its rights do not suffice.
    Rights,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "it asks for credentials, and none are set",
            Self::Credentials => "the credentials are not accepted, set others",
            Self::Rights => "the account lacks the right to do this",
        })
    }
}

/// Why a call failed. Messages name host and operation, and never a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It does not exist there.
    #[error("{site}: it does not exist there")]
    NotFound {
        /// Where.
        site: Site,
    },
    /// The registry does not let the caller in.
    #[error("{site}: {denial}")]
    Unauthorized {
        /// Where.
        site: Site,
        /// Wrong credentials, or missing rights.
        denial: Denial,
    },
    /// The registry wants fewer requests.
    #[error(
        "{site}: the registry asks for fewer requests, the next one in {} s",
        seconds_to(until)
    )]
    Throttled {
        /// Where.
        site: Site,
        /// Not before this moment.
        until: Instant,
    },
    /// No connection, no answer in time, a broken connection, or an answer 5xx. It may work later.
    #[error("{site}: {cause}")]
    Unavailable {
        /// Where.
        site: Site,
        /// What happened.
        cause: String,
        /// Not before this moment, where the registry said so.
        until: Option<Instant>,
    },
    /// The answer is none that the protocol knows.
    #[error("{site}: the answer is not understood: {cause}")]
    Protocol {
        /// Where.
        site: Site,
        /// What is wrong with it.
        cause: String,
    },
    /// More bytes than are accepted, there or here.
    #[error("{site}: {cause}")]
    TooLarge {
        /// Where.
        site: Site,
        /// What is too large, and what the limit is.
        cause: String,
    },
    /// The bytes have another digest than they should.
    #[error("{site}: the content should have the digest {expected} and has {actual}")]
    DigestMismatch {
        /// Where.
        site: Site,
        /// What was asked for or declared.
        expected: Digest,
        /// What came: a digest, or words where the registry did not say which one it found.
        actual: String,
    },
    /// The certificate is not trusted, or TLS failed in another way.
    #[error("{site}: TLS failed: {cause}; set the registry's CA if it has one of its own")]
    Tls {
        /// Where.
        site: Site,
        /// What failed.
        cause: String,
    },
    /// The address is in a network that may not be connected to.
    #[error("{site}: the address is in a network that is not allowed for other registries")]
    AddressDenied {
        /// Where.
        site: Site,
    },
    /// The registry sends the caller with his password to a host that nobody confirmed.
    #[error(
        "{site}: the registry issues its tokens at {realm}, another host: confirm it as a token host of this registry \
         before credentials are sent there"
    )]
    UntrustedRealm {
        /// Where.
        site: Site,
        /// The host that would have got the password.
        realm: String,
    },
    /// This registry cannot do it.
    #[error("{site}: {cause}")]
    Unsupported {
        /// Where.
        site: Site,
        /// What is missing.
        cause: String,
    },
    /// The registry refuses this very request.
    #[error("{site}: refused with {status} {code}: {message}")]
    Rejected {
        /// Where.
        site: Site,
        /// The status of the answer.
        status: u16,
        /// The code in its body, such as `MANIFEST_INVALID`; empty where there was none.
        code: String,
        /// The message in its body, cut short.
        message: String,
    },
    /// The content that was to be pushed cannot be read.
    #[error("{site}: the content cannot be read: {cause}")]
    Source {
        /// Where.
        site: Site,
        /// What happened.
        cause: String,
    },
    /// The call cannot be made at all.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn unavailable(site: Site, cause: impl Into<String>) -> Self {
        Self::Unavailable {
            site,
            cause: cause.into(),
            until: None,
        }
    }

    pub(crate) fn protocol(site: Site, cause: impl Into<String>) -> Self {
        Self::Protocol {
            site,
            cause: cause.into(),
        }
    }

    /// It does not exist there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// It may work when tried again later, with nothing changed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. })
    }

    /// How long the registry asks to wait, from now.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { until, .. } => Some(*until),
            Self::Unavailable { until, .. } => *until,
            _ => None,
        }
        .map(|until| until.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_rejected_with(&self, wanted: StatusCode) -> bool {
        matches!(self, Self::Rejected { status, .. } if *status == wanted.as_u16())
    }
}

fn seconds_to(until: &Instant) -> u64 {
    until
        .saturating_duration_since(Instant::now())
        .as_secs_f64()
        .ceil() as u64
}
