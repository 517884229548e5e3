use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::request::PathId;
use crate::features::robot::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete a robot; it is out at once.
#[utoipa::path(
    delete, path = "/api/v2.0/robots/{robot_id}", tag = "robot", operation_id = "DeleteRobot",
    params(("robot_id" = i64, Path)),
    responses(
        (status = 200, description = "Deleted"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::robot) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, id.get("robot_id")?).await?;
    Ok(StatusCode::OK)
}
