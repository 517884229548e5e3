use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::request::PathId;
use crate::features::usergroup::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Remove a group and what it may do in projects. One that does not exist is no error.
#[utoipa::path(
    delete, path = "/api/v2.0/usergroups/{group_id}", tag = "usergroup", operation_id = "deleteUserGroup",
    params(("group_id" = i64, Path)),
    responses((status = 200, description = "Removed"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::usergroup) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, id.get("group_id")?).await?;
    Ok(StatusCode::OK)
}
