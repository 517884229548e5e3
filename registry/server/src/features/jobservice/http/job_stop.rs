use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::jobservice::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Stop a job (`all`: every one that runs). One that ended, or never was, is no error. A body is not looked at.
#[utoipa::path(
    put, path = "/api/v2.0/jobservice/jobs/{job_id}", tag = "jobservice", operation_id = "stopRunningJob",
    params(("job_id" = String, Path)),
    responses((status = 200, description = "Asked to end"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::jobservice) async fn stop(
    State(app): State<App>,
    ctx: Context,
    Path(job_id): Path<String>,
) -> Result<StatusCode> {
    service::stop(&app, &ctx, &job_id).await?;
    Ok(StatusCode::OK)
}
