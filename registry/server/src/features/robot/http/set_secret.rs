use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, RobotSecretAnswer, RobotSecretPatch};

use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::features::robot::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Give a robot a new secret: one's own, or one that the registry makes and answers. With `grace_seconds`
/// (Slipway's own) the present secret stays valid that long, otherwise it ends at once.
#[utoipa::path(
    patch, path = "/api/v2.0/robots/{robot_id}", tag = "robot", operation_id = "RefreshSec",
    params(("robot_id" = i64, Path)),
    request_body = RobotSecretPatch,
    responses(
        (status = 200, body = RobotSecretAnswer), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::robot) async fn set_secret(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(patch): Body<RobotSecretPatch>,
) -> Result<Json<RobotSecretAnswer>> {
    service::set_secret(&app, &ctx, id.get("robot_id")?, patch)
        .await
        .map(Json)
}
