//! Cross-origin requests to the distribution API and its token service, for user interfaces that run in a browser under another
//! address. Off unless origins are set; the management API is for our own portal and never takes part.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::kernel::app::App;

/// What a browser may send.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str =
    "Accept, Authorization, Cache-Control, Content-Range, Content-Type, If-Match, If-None-Match, Range";
/// What a page may read beyond the few headers that it always may.
const EXPOSED: &str = "Docker-Content-Digest, Docker-Distribution-API-Version, Docker-Upload-UUID, ETag, Link, Location, \
                       OCI-Filters-Applied, OCI-Subject, OCI-Tag, Content-Range, Range, Retry-After, WWW-Authenticate, \
                       X-Request-Id";
/// Seconds that a browser may remember the answer to its question.
const REMEMBER: &str = "600";

/// Answers a browser's question before the request (without authentication, which browsers do not send with it), and lets the page
/// read every other answer.
pub(super) async fn share(State(app): State<App>, request: Request, next: Next) -> Response {
    let origins = &app.config.cors_allowed_origins;
    if origins.is_empty() || !is_shared(request.uri().path()) {
        return next.run(request).await;
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.and_then(|origin| allowed(origins, origin));
    let asks = *request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &allowed {
        Some(_) if asks => question(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some((origin, exact)) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if exact {
            put(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }
    response
}

/// The value for the answer, and whether this very origin was named.
fn allowed(origins: &[String], origin: HeaderValue) -> Option<(HeaderValue, bool)> {
    if origins
        .iter()
        .any(|named| named.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    {
        return Some((origin, true));
    }
    let everybody = origins.iter().any(|named| named == "*");
    everybody.then(|| (HeaderValue::from_static("*"), false))
}

fn is_shared(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/") || path == "/service/token"
}

fn question() -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    put(headers, header::ACCESS_CONTROL_MAX_AGE, REMEMBER);
    response
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
