use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use slipway_api::ErrorBody;

use super::field;
use crate::error::Result;
use crate::features::session::service;
use crate::kernel::app::App;
use crate::kernel::auth::csrf;
use crate::kernel::context::Context;

/// Is a name or an e-mail address taken? For the page on which people make accounts for themselves.
#[utoipa::path(
    post, path = "/c/userExists", tag = "session", operation_id = "userExists",
    params(("X-Harbor-CSRF-Token" = String, Header)),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "target (username or email) and value"),
    responses((status = 200, body = bool), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 412, body = ErrorBody)),
)]
pub(in crate::features::session) async fn user_exists(
    State(app): State<App>,
    ctx: Context,
    parts: Parts,
    form: Bytes,
) -> Result<Json<bool>> {
    csrf::check(&app, &parts)?;
    let taken = service::is_taken(&app, &ctx, &field(&form, "target"), &field(&form, "value")).await?;
    Ok(Json(taken))
}
