use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, RobotCreate, RobotCreated};

use crate::error::Result;
use crate::features::location;
use crate::features::request::Body;
use crate::features::robot::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Create a robot. The answer is the only one that shows its secret.
#[utoipa::path(
    post, path = "/api/v2.0/robots", tag = "robot", operation_id = "CreateRobot",
    request_body = RobotCreate,
    responses(
        (status = 201, body = RobotCreated), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::robot) async fn create(
    State(app): State<App>,
    ctx: Context,
    Body(robot): Body<RobotCreate>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<RobotCreated>)> {
    let created = service::create(&app, &ctx, robot).await?;
    let location = location(&["robots", &created.id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(created)))
}
