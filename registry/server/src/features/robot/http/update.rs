use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, RobotUpdate};

use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::features::robot::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a robot: description, duration, permissions, disabled or not.
#[utoipa::path(
    put, path = "/api/v2.0/robots/{robot_id}", tag = "robot", operation_id = "UpdateRobot",
    params(("robot_id" = i64, Path)),
    request_body = RobotUpdate,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::robot) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(change): Body<RobotUpdate>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, id.get("robot_id")?, change).await?;
    Ok(StatusCode::OK)
}
