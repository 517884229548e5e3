use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use crate::error::Result;
use crate::features::session::service;
use crate::kernel::app::App;

/// End the session.
#[utoipa::path(
    get, path = "/c/log_out", tag = "session", operation_id = "logout",
    responses((status = 200, description = "Logged out, also where nobody was in")),
)]
pub(in crate::features::session) async fn logout(
    State(app): State<App>,
    parts: Parts,
) -> Result<(StatusCode, HeaderMap)> {
    let headers = service::logout(&app, &parts).await?;
    Ok((StatusCode::OK, headers))
}
