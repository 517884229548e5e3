use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::jobservice::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read the log of a job, at most 10 MiB of it; for administrators.
#[utoipa::path(
    get, path = "/api/v2.0/jobservice/jobs/{job_id}/log", tag = "jobservice", operation_id = "actionGetJobLog",
    params(("job_id" = String, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::jobservice) async fn log(
    State(app): State<App>,
    ctx: Context,
    Path(job_id): Path<String>,
) -> Result<([(HeaderName, &'static str); 1], String)> {
    let text = service::log(&app, &ctx, &job_id).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text))
}
