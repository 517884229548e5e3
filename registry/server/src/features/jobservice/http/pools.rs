use axum::Json;
use axum::extract::State;
use slipway_api::{ErrorBody, WorkerPool};

use crate::error::Result;
use crate::features::jobservice::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// List the worker processes that are alive.
#[utoipa::path(
    get, path = "/api/v2.0/jobservice/pools", tag = "jobservice", operation_id = "getWorkerPools",
    responses((status = 200, body = Vec<WorkerPool>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::jobservice) async fn pools(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Vec<WorkerPool>>> {
    service::pools(&app, &ctx).await.map(Json)
}
