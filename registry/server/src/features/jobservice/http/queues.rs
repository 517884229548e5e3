use axum::Json;
use axum::extract::State;
use slipway_api::{ErrorBody, JobQueue};

use crate::error::Result;
use crate::features::jobservice::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// List all types of jobs, with what waits of each.
#[utoipa::path(
    get, path = "/api/v2.0/jobservice/queues", tag = "jobservice", operation_id = "listJobQueues",
    responses((status = 200, body = Vec<JobQueue>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::jobservice) async fn queues(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Vec<JobQueue>>> {
    service::queues(&app, &ctx).await.map(Json)
}
