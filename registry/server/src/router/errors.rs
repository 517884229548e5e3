//! Every 4xx and 5xx has the JSON body, also those that a layer or an extractor made.

use std::any::Any;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};

use crate::error::{Code, Error};

/// Longest text of a foreign error that is taken over as the message.
const LONGEST: usize = 1024;

/// Longest path and query. (From 64 KiB on the HTTP library answers, without a body.)
const LONGEST_URI: usize = 32 * 1024;

/// Answers 414 to a path and query that are too long.
pub(super) async fn short_uris(request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    if length > LONGEST_URI {
        let error = Error::new(
            Code::BadRequest,
            format!("the path and query have more than {LONGEST_URI} bytes"),
        );
        return error.with_status(StatusCode::URI_TOO_LONG).into_response();
    }
    next.run(request).await
}

/// Puts the JSON body around errors that do not have it.
pub(super) async fn as_json(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_json(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = text(body).await;
    let message = match text {
        Some(text) if status.is_client_error() => text,
        _ => status.canonical_reason().unwrap_or("error").to_ascii_lowercase(),
    };
    let mut answer = Error::new(code(status), message)
        .with_status(status)
        .into_response();
    for name in [
        header::ALLOW,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
        header::CONNECTION,
    ] {
        if let Some(value) = parts.headers.get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// A handler that panicked is a fault of ours; the panic's text goes to the log only.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    Error::internal(format!("panic: {text}")).into_response()
}

fn is_json(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"))
}

async fn text(body: Body) -> Option<String> {
    let bytes = Limited::new(body, LONGEST).collect().await.ok()?.to_bytes();
    let text = std::str::from_utf8(&bytes).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn code(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::Unauthorized,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::CONFLICT => Code::Conflict,
        StatusCode::PRECONDITION_FAILED => Code::Precondition,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        StatusCode::RANGE_NOT_SATISFIABLE => Code::RangeInvalid,
        StatusCode::UNPROCESSABLE_ENTITY => Code::UnprocessableEntity,
        StatusCode::TOO_MANY_REQUESTS => Code::TooManyRequests,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Unknown,
    }
}
