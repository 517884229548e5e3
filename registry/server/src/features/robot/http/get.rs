use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, Robot};

use crate::error::Result;
use crate::features::request::PathId;
use crate::features::robot::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a robot.
#[utoipa::path(
    get, path = "/api/v2.0/robots/{robot_id}", tag = "robot", operation_id = "GetRobotByID",
    params(("robot_id" = i64, Path)),
    responses(
        (status = 200, body = Robot),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::robot) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<Robot>> {
    service::get(&app, &ctx, id.get("robot_id")?).await.map(Json)
}
