//! From failed connections and refusing answers to [`Error`].

use std::error::Error as _;

use reqwest::StatusCode;
use serde::Deserialize;
use slipway_model::Digest;
use tokio::time::Instant;

use super::answer::Answer;
use super::{SMALL, retry_after};
use crate::address::Denied;
use crate::{Denial, Error, Site};

/// Longest message of a registry that is passed on, in characters.
const MESSAGE: usize = 300;

/// What reqwest could not do.
pub(super) fn of_transport(site: Site, error: reqwest::Error) -> Error {
    // The URL may carry a signature.
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<Denied>() {
            return Error::AddressDenied { site };
        }
        if let Some(tls) = tls_error(cause) {
            return Error::Tls {
                site,
                cause: tls.to_string(),
            };
        }
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    Error::unavailable(site, text)
}

/// What TLS says, under any number of I/O errors: those do not name what they wrap as their source.
fn tls_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    tls_error(cause.downcast_ref::<std::io::Error>()?.get_ref()?)
}

#[derive(Deserialize, Default)]
struct Document {
    #[serde(default)]
    errors: Vec<Entry>,
    /// What token hosts and some gateways write instead.
    #[serde(default)]
    details: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize, Default)]
struct Entry {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: serde_json::Value,
}

/// What an answer says that is neither a success nor expected.
pub(crate) async fn of_answer(mut answer: Answer, denial: Denial) -> Error {
    let body = answer.beginning(SMALL).await;
    let (code, message) = code_and_message(&body);
    let until = retry_after::moment(&answer.headers);
    let (site, status) = (answer.site, answer.status);
    match status {
        StatusCode::UNAUTHORIZED => Error::Unauthorized { site, denial },
        StatusCode::FORBIDDEN => Error::Unauthorized {
            site,
            denial: Denial::Rights,
        },
        _ if code == "UNSUPPORTED" => unsupported(site),
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => unsupported(site),
        StatusCode::NOT_FOUND | StatusCode::GONE => Error::NotFound { site },
        StatusCode::TOO_MANY_REQUESTS => Error::Throttled {
            site,
            until: until.unwrap_or_else(Instant::now),
        },
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge {
            site,
            cause: "the registry refuses the size".to_owned(),
        },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Error::Unavailable {
            site,
            cause: format!("answered with {}", status.as_u16()),
            until,
        },
        _ if status.is_server_error() => Error::Unavailable {
            site,
            cause: format!("answered with {} {message}", status.as_u16())
                .trim_end()
                .to_owned(),
            until,
        },
        _ if status.is_redirection() || status.is_informational() || status.is_success() => {
            Error::protocol(site, format!("status {} was not expected here", status.as_u16()))
        }
        _ => Error::Rejected {
            site,
            status: status.as_u16(),
            code,
            message,
        },
    }
}

fn unsupported(site: Site) -> Error {
    Error::Unsupported {
        site,
        cause: "the registry does not support this".to_owned(),
    }
}

/// `DIGEST_INVALID` is a mismatch like one that is found here.
pub(crate) fn digest_refused(error: Error, expected: &Digest) -> Error {
    match error {
        Error::Rejected { site, code, .. } if code == "DIGEST_INVALID" => Error::DigestMismatch {
            site,
            expected: expected.clone(),
            actual: "another one, as the registry found".to_owned(),
        },
        other => other,
    }
}

fn code_and_message(body: &[u8]) -> (String, String) {
    let document = serde_json::from_slice::<Document>(body).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (code, mut message) = match document.errors.first() {
        Some(entry) => (text(&entry.code), text(&entry.message)),
        None => (String::new(), document.message),
    };
    if message.is_empty() {
        message = document.details;
    }
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let short = |text: String, most: usize| text.chars().take(most).map(printable).collect();
    (short(code, 64), short(message, MESSAGE))
}
