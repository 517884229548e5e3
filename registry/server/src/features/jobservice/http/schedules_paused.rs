use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, SchedulerStatus};

use crate::error::Result;
use crate::features::jobservice::schedules;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Is everything paused that is done by the clock? `job_type` can only be `all`.
#[utoipa::path(
    get, path = "/api/v2.0/schedules/{job_type}/paused", tag = "schedule", operation_id = "getSchedulePaused",
    params(("job_type" = String, Path)),
    responses(
        (status = 200, body = SchedulerStatus), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::jobservice) async fn paused(
    State(app): State<App>,
    ctx: Context,
    Path(job_type): Path<String>,
) -> Result<Json<SchedulerStatus>> {
    schedules::paused(&app, &ctx, &job_type).await.map(Json)
}
