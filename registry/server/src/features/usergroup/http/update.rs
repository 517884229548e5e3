use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, UserGroup};

use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::features::usergroup::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Rename a group; everything else about it stays.
#[utoipa::path(
    put, path = "/api/v2.0/usergroups/{group_id}", tag = "usergroup", operation_id = "updateUserGroup",
    params(("group_id" = i64, Path)),
    request_body = UserGroup,
    responses(
        (status = 200, description = "Renamed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::usergroup) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(group): Body<UserGroup>,
) -> Result<StatusCode> {
    service::rename(&app, &ctx, id.get("group_id")?, &group.group_name).await?;
    Ok(StatusCode::OK)
}
