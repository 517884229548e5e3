//! A new password.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::PasswordChange;

use super::super::service;
use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Changes a password: one's own with the old one, somebody else's as an administrator.
#[utoipa::path(put, path = "/api/v2.0/users/{user_id}/password", tag = "user", operation_id = "updateUserPassword", params(("user_id" = i64, Path)),
    request_body = PasswordChange, responses((status = 200)))]
pub(in crate::features::user) async fn password(
    State(app): State<App>,
    Path(id): Path<PathId>,
    ctx: Context,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode> {
    let id = id.get("user_id")?;
    service::change_password(
        &app,
        &ctx,
        id,
        change.old_password.expose(),
        change.new_password.expose(),
    )
    .await?;
    Ok(StatusCode::OK)
}
