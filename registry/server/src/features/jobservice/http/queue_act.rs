use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ActionRequest, ErrorBody};

use crate::error::Result;
use crate::features::jobservice::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Stop what waits in a queue (`all`: in each), pause it or resume it. What runs already goes on.
#[utoipa::path(
    put, path = "/api/v2.0/jobservice/queues/{job_type}", tag = "jobservice", operation_id = "actionPendingJobs",
    params(("job_type" = String, Path)),
    request_body = ActionRequest,
    responses(
        (status = 200, description = "Done"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody),
    ),
)]
pub(in crate::features::jobservice) async fn act(
    State(app): State<App>,
    ctx: Context,
    Path(job_type): Path<String>,
    Body(wanted): Body<ActionRequest>,
) -> Result<StatusCode> {
    service::act(&app, &ctx, &job_type, &wanted.action).await?;
    Ok(StatusCode::OK)
}
