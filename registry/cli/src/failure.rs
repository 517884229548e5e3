//! Why a command failed, and what the shell is told.

use std::io;

use slipway_api::client::{Error, Refusal};

/// What commands return.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command failed. Each kind but the last has an exit code that does not change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The registry refused, or this machine did.
    #[error("{0}")]
    Refused(String),
    /// The command cannot be understood as it was written.
    #[error("{0}")]
    Usage(String),
    /// It does not exist, or the caller may not know.
    #[error("{0}")]
    NotFound(String),
    /// The caller is not known, or may not.
    #[error("{0}")]
    Forbidden(String),
    /// Something else stands in the way.
    #[error("{0}")]
    Conflict(String),
    /// There is no answer at the moment.
    #[error("{0}")]
    Unreachable(String),
    /// Nobody reads what is printed any more.
    #[error("standard output is closed")]
    Closed,
}

impl Failure {
    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Forbidden(_) => 4,
            Self::Conflict(_) => 5,
            Self::Unreachable(_) => 6,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Api(refusal) => answered(refusal),
            Error::Transport { .. } => Self::Unreachable(format!(
                "{}: is the URL right, is the registry running, is its certificate trusted (slipway login --ca-file)?",
                error.message()
            )),
            Error::Answer { .. } => Self::Refused(format!("{error}: is this URL a registry's?")),
            Error::Invalid(_) => Self::Usage(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Refused(format!("standard output cannot be written: {error}")),
        }
    }
}

fn answered(refusal: &Refusal) -> Failure {
    let said = match refusal.message.trim() {
        "" => format!("the registry answers {}", refusal.status),
        message => message.to_owned(),
    };
    match refusal.status {
        401 => Failure::Forbidden(format!(
            "{said}: log in with an account that may (slipway login), or set SLIPWAY_USER and SLIPWAY_PASSWORD"
        )),
        403 => Failure::Forbidden(said),
        404 => Failure::NotFound(said),
        409 | 412 => Failure::Conflict(said),
        429 | 502..=504 => Failure::Unreachable(format!("{said} ({}): try again later", refusal.status)),
        500.. => {
            let request = refusal.request_id.as_deref().unwrap_or("without an id");
            Failure::Refused(format!(
                "{said} ({}): the registry's log has more about request {request}",
                refusal.status
            ))
        }
        _ => Failure::Refused(said),
    }
}
