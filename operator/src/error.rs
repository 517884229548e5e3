//! The one error of the operator, and how each kind of it is tried again.

use std::time::Duration;

use thiserror::Error;

use crate::random::jitter;

/// What can go wrong in an attempt.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The Kubernetes API refused or did not answer.
    #[error("the Kubernetes API: {}", explain(.0))]
    Kube(#[from] kube::Error),
    /// The registry refused or did not answer.
    #[error("the registry: {0}")]
    Registry(#[from] slipway_api::client::Error),
    /// Something that belongs into a condition, in words for a person.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The namespace is going away: nothing is left to do.
    #[error("the namespace is being deleted")]
    NamespaceTerminating,
    /// An object lacks what every stored object has.
    #[error("the object has no {0}")]
    Incomplete(&'static str),
    /// An object could not be written as JSON or YAML.
    #[error("an object cannot be encoded: {0}")]
    Encode(String),
    /// A certificate could not be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A panic in a reconciler costs that attempt only.
    #[error("the attempt ended unexpectedly")]
    Panicked,
}

/// A trouble as a person reads it in a condition: what, on which field, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub(crate) struct Problem {
    /// The condition that shows it.
    pub(crate) condition: &'static str,
    /// The reason, out of the table in `slipway-crds`.
    pub(crate) reason: &'static str,
    /// The sentence.
    pub(crate) message: String,
    /// Who has to act.
    pub(crate) cause: Cause,
}

/// Who has to act before an attempt can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A person: `Stalled`, tried again slowly.
    User,
    /// Nobody: it passes or is under way.
    Transient,
}

impl Problem {
    /// A trouble that a person has to end.
    pub(crate) fn user(condition: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            condition,
            reason,
            message: message.into(),
            cause: Cause::User,
        }
    }

    /// A trouble that ends by itself.
    pub(crate) fn transient(
        condition: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            condition,
            reason,
            message: message.into(),
            cause: Cause::Transient,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        // The position only: the text of serde's errors can hold values.
        Self::Encode(format!("at line {}, column {}", error.line(), error.column()))
    }
}

/// The result of most functions.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Sorts an answer of the Kubernetes API: a namespace that is going away is no error to report (LESSONS A5).
    pub(crate) fn from_kube(error: kube::Error) -> Self {
        if is_namespace_terminating(&error) {
            Self::NamespaceTerminating
        } else {
            Self::Kube(error)
        }
    }

    /// The same about fields that stand under another one: `spec.rules[0]` of a part that is used in `spec.retention`.
    pub(crate) fn under(self, field: &str) -> Self {
        match self {
            Self::Problem(mut problem) => {
                problem.message = problem.message.replace("spec.", &format!("{field}."));
                Self::Problem(problem)
            }
            other => other,
        }
    }

    /// The answer of the Kubernetes API, when this is one.
    pub(crate) fn kube_code(&self) -> Option<u16> {
        match self {
            Self::Kube(kube::Error::Api(status)) => Some(status.code),
            _ => None,
        }
    }

    /// How long until the next attempt, after so many failed ones in a row.
    pub(crate) fn retry_after(&self, failures: u32) -> Duration {
        match self {
            Self::Problem(problem) if problem.cause == Cause::User => slow_retry(),
            Self::NamespaceTerminating => jitter(Duration::from_secs(60)),
            Self::Kube(kube::Error::Api(status)) if status.code == 409 => jitter(Duration::from_millis(500)),
            _ => backoff(failures),
        }
    }
}

/// The interval at which what only a person can repair is looked at again.
pub(crate) fn slow_retry() -> Duration {
    jitter(Duration::from_secs(120))
}

/// One second, doubled with each failure, at most five minutes.
pub(crate) fn backoff(failures: u32) -> Duration {
    jitter(Duration::from_secs(1 << failures.min(9)).min(Duration::from_secs(300)))
}

/// Whether the API refused to create something because the namespace is going away.
pub(crate) fn is_namespace_terminating(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let caused = status.details.as_ref().is_some_and(|details| {
        details
            .causes
            .iter()
            .any(|cause| cause.reason == "NamespaceTerminating")
    });
    status.code == 403 && (caused || status.message.contains("because it is being terminated"))
}

/// The API's sentence without the debugging form, which can hold whole objects.
pub(crate) fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.message.is_empty() => format!("{} {}", status.code, status.reason),
        kube::Error::Api(status) => status.message.clone(),
        kube::Error::SerdeError(_) => "an answer cannot be read".to_owned(),
        kube::Error::Service(error) => format!("no connection: {error}"),
        kube::Error::HyperError(error) => format!("no connection: {error}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_and_ends() {
        assert!(backoff(0) < Duration::from_secs(2));
        assert!(backoff(5) > Duration::from_secs(20));
        assert!(backoff(60) <= Duration::from_secs(375));
    }

    #[test]
    fn c3_user_errors_are_tried_again_in_minutes() {
        let error = Error::from(Problem::user("Ready", "InvalidSpec", "x"));
        for failures in [0, 3, 30] {
            let wait = error.retry_after(failures);
            assert!((90..=150).contains(&wait.as_secs()), "{wait:?}");
        }
    }

    #[test]
    fn a5_a_namespace_that_goes_is_recognised() {
        let mut status = kube::core::Status::failure(
            "secrets \"x\" is forbidden: unable to create new content in namespace t because it is being terminated",
            "Forbidden",
        )
        .with_code(403);
        assert!(is_namespace_terminating(&kube::Error::Api(
            status.clone().boxed()
        )));
        status.message = "forbidden by RBAC".into();
        assert!(!is_namespace_terminating(&kube::Error::Api(status.boxed())));
    }
}
