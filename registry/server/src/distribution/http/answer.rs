//! Building answers.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use slipway_model::Digest;

use crate::error::{Error, Result};

/// `Docker-Content-Digest`.
pub(super) static DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A text as a header's value.
pub(super) fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(Error::internal)
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode, headers: HeaderMap) -> Response {
    let mut response = (status, headers, Body::empty()).into_response();
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        response
            .headers_mut()
            .entry(header::CONTENT_LENGTH)
            .or_insert(HeaderValue::from_static("0"));
    }
    response
}

/// `201` with where the content is and what digest it has.
pub(super) fn created(location: &str, digest: &Digest) -> Result<Response> {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, value(location)?);
    headers.insert(DIGEST.clone(), value(digest.as_str())?);
    Ok(empty(StatusCode::CREATED, headers))
}

/// `200` with JSON.
pub(super) fn json(body: &Value) -> Response {
    typed("application/json; charset=utf-8", body)
}

/// `200` with JSON of a type of its own.
pub(super) fn typed(content_type: &'static str, body: &Value) -> Response {
    let text = body.to_string();
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))],
        text,
    )
        .into_response()
}

/// Adds the link to the next page.
pub(super) fn with_next(mut response: Response, next: Option<String>) -> Result<Response> {
    if let Some(next) = next {
        response
            .headers_mut()
            .insert(header::LINK, value(&format!("<{next}>; rel=\"next\""))?);
    }
    Ok(response)
}
