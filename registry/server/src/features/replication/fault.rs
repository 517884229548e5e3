//! Why something could not be copied or deleted.

use std::fmt;
use std::time::Duration;

use slipway_jobs::JobError;

use crate::error::{Code, Error};

/// What went wrong, and whether it may work later.
#[derive(Debug)]
pub(super) struct Fault {
    message: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing changes by trying again.
    Lasting,
    /// The other side cannot do it at all.
    Unsupported,
    /// It may work later, and not before this time has passed.
    Passing(Duration),
}

impl Fault {
    /// Nothing changes by trying again.
    pub(super) fn lasting(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: Kind::Lasting,
        }
    }

    /// The same, said of so many of all.
    pub(super) fn among(mut self, many: usize, all: usize) -> Self {
        self.message = format!("{many} of {all} references failed, the first: {}", self.message);
        self
    }

    /// Can the other side not do it at all?
    pub(super) fn is_unsupported(&self) -> bool {
        self.kind == Kind::Unsupported
    }

    /// May it work later?
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.kind, Kind::Passing(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let kind = match error.code() {
            Code::Unavailable | Code::Unknown | Code::BlobUploadInvalid | Code::SizeInvalid => {
                Kind::Passing(Duration::ZERO)
            }
            _ => Kind::Lasting,
        };
        Self {
            message: format!("this registry: {}", error.explained()),
            kind,
        }
    }
}

impl From<slipway_upstream::Error> for Fault {
    fn from(error: slipway_upstream::Error) -> Self {
        let kind = match &error {
            slipway_upstream::Error::Unsupported { .. } => Kind::Unsupported,
            error if error.is_transient() => Kind::Passing(error.retry_after().unwrap_or_default()),
            _ => Kind::Lasting,
        };
        let hint = match &error {
            slipway_upstream::Error::AddressDenied { .. } => "; upstreams.allowed_networks allows it",
            _ => "",
        };
        Self {
            message: format!("{error}{hint}"),
            kind,
        }
    }
}

impl From<Fault> for JobError {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            Kind::Lasting | Kind::Unsupported => Self::fatal(fault),
            Kind::Passing(delay) => Self::RetryAfter {
                message: fault.message,
                delay,
            },
        }
    }
}
