use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, RetentionOperation};

use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::features::retention::run;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Stop a retention policy's run.
#[utoipa::path(
    patch, path = "/api/v2.0/retentions/{id}/executions/{eid}", tag = "Retention",
    operation_id = "operateRetentionExecution",
    params(("id" = i64, Path), ("eid" = i64, Path)),
    request_body = RetentionOperation,
    responses(
        (status = 200, description = "Asked to end, or ended before"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn stop(
    State(app): State<App>,
    ctx: Context,
    Path((id, execution)): Path<(PathId, PathId)>,
    Body(body): Body<RetentionOperation>,
) -> Result<StatusCode> {
    run::operate(&app, &ctx, id.get("id")?, execution.get("eid")?, &body.action).await?;
    Ok(StatusCode::OK)
}
