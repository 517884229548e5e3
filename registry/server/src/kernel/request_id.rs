//! The id of the request that is being answered: in its log lines, its `X-Request-Id` and its error body.

use std::future::Future;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header, as Harbor has it: echoed when the client sent one, made up when not.
pub(crate) static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a client.
const LONGEST: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The client's own id where it is short and plain, otherwise a new one.
pub(crate) fn of(headers: &HeaderMap) -> String {
    headers
        .get(&HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= LONGEST && id.bytes().all(|b| b.is_ascii_graphic()))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// Runs the future with this id as the current one.
pub(crate) async fn scope<F: Future>(id: String, future: F) -> F::Output {
    CURRENT.scope(id, future).await
}

/// The id of the request that this task answers.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The id as a header value.
pub(crate) fn header_value(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
}
