//! What a client makes of an answer while processes are killed.

use reqwest::StatusCode;

use super::wire::Answer;

/// Why an attempt failed.
pub(crate) enum Trouble {
    /// A kill explains it: again.
    Passing,
    /// It does not.
    Wrong(String),
}

impl From<reqwest::Error> for Trouble {
    fn from(_: reqwest::Error) -> Self {
        Self::Passing
    }
}

pub(crate) type Attempt<T> = Result<T, Trouble>;

/// Sorts an answer: wanted, explained by a kill, or wrong.
pub(crate) fn accepted<'a>(answer: &'a Answer, wanted: &[StatusCode]) -> Attempt<&'a Answer> {
    match answer.status {
        status if wanted.contains(&status) => Ok(answer),
        // A claim that died with its process holds for some seconds; an upload that was finished without an answer is gone.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT => Err(Trouble::Passing),
        StatusCode::NOT_FOUND if answer.code().as_deref() == Some("BLOB_UPLOAD_UNKNOWN") => {
            Err(Trouble::Passing)
        }
        status => Err(Trouble::Wrong(format!(
            "{status} instead of {wanted:?}: {}",
            answer.text()
        ))),
    }
}
