use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, PoolWorker};

use crate::error::Result;
use crate::features::jobservice::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// List the room for jobs in a worker process (`all`: in each), and what is at work there.
#[utoipa::path(
    get, path = "/api/v2.0/jobservice/pools/{pool_id}/workers", tag = "jobservice", operation_id = "getWorkers",
    params(("pool_id" = String, Path)),
    responses(
        (status = 200, body = Vec<PoolWorker>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::jobservice) async fn workers(
    State(app): State<App>,
    ctx: Context,
    Path(pool_id): Path<String>,
) -> Result<Json<Vec<PoolWorker>>> {
    service::workers(&app, &ctx, &pool_id).await.map(Json)
}
