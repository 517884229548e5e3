//! Why a call failed.

use std::time::Duration;

/// What calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An answer that is an error.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path} was answered with {status} {code}: {message}")]
pub struct Refusal {
    /// The method of the request.
    pub method: String,
    /// The path of the request.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The code in its body, such as `NOT_FOUND`; empty where there was none.
    pub code: String,
    /// The message in its body.
    pub message: String,
    /// The detail in its body.
    pub detail: Option<serde_json::Value>,
    /// The registry's name for the request, to look for in its logs.
    pub request_id: Option<String>,
    /// How long the registry asks to wait.
    pub retry_after: Option<Duration>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry answered with an error.
    #[error(transparent)]
    Api(#[from] Box<Refusal>),
    /// There was no answer: no connection, a time-out, a connection that broke, a certificate that is not trusted.
    #[error("{method} {path} got no answer: {}", causes(source))]
    Transport {
        /// The method of the request.
        method: String,
        /// The path of the request.
        path: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The answer is none that the API gives.
    #[error("{method} {path} got an answer that is not understood: {cause}")]
    Answer {
        /// The method of the request.
        method: String,
        /// The path of the request.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The call itself cannot be made.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// The status of the answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// The code in the answer's body.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Api(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// The message in the answer's body, or what happened instead of an answer.
    pub fn message(&self) -> String {
        match self {
            Self::Api(refusal) => refusal.message.clone(),
            other => other.to_string(),
        }
    }

    /// 404: it does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// 409: it exists already, or belongs to somebody else.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// 401: the credentials are not accepted.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// 403: the caller may not.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// 412: something stands in the way, such as the repositories of a project to be deleted.
    pub fn is_precondition(&self) -> bool {
        self.status() == Some(412)
    }

    /// It may work when tried again later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Api(refusal) => matches!(refusal.status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Transport { .. } => true,
            Self::Answer { .. } | Self::Invalid(_) => false,
        }
    }

    /// How long the registry asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

/// An error and what caused it, without the URL that reqwest likes to add.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
