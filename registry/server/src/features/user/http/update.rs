//! A changed profile.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::CurrentUser;

use super::super::service;
use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Changes e-mail address, name and comment.
#[utoipa::path(put, path = "/api/v2.0/users/{user_id}", tag = "user", operation_id = "updateUserProfile", params(("user_id" = i64, Path)),
    request_body = CurrentUser, responses((status = 200)))]
pub(in crate::features::user) async fn update(
    State(app): State<App>,
    Path(id): Path<PathId>,
    ctx: Context,
    Body(profile): Body<CurrentUser>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, id.get("user_id")?, &profile).await?;
    Ok(StatusCode::OK)
}
