//! Is anybody there?

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Answers `Pong`.
#[utoipa::path(get, path = "/api/v2.0/ping", tag = "ping", operation_id = "getPing", responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::features::system) async fn ping() -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], "Pong").into_response()
}
