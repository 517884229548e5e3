use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use slipway_api::ErrorBody;

use super::field;
use crate::error::Result;
use crate::features::session::service;
use crate::kernel::app::App;
use crate::kernel::auth::csrf;

/// Begin a session: the answer sets its cookie. Name or e-mail address and password come as a form; the token of an earlier
/// answer's `X-Harbor-CSRF-Token` has to come along.
#[utoipa::path(
    post, path = "/c/login", tag = "session", operation_id = "login",
    params(("X-Harbor-CSRF-Token" = String, Header)),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "principal and password"),
    responses(
        (status = 200, description = "Logged in"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 429, body = ErrorBody),
    ),
)]
pub(in crate::features::session) async fn login(
    State(app): State<App>,
    parts: Parts,
    form: Bytes,
) -> Result<(StatusCode, HeaderMap)> {
    csrf::check(&app, &parts)?;
    let (name, password) = (field(&form, "principal"), field(&form, "password"));
    let headers = service::login(&app, &parts, &name, &password).await?;
    Ok((StatusCode::OK, headers))
}
