use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::request::PathId;
use crate::features::retention::run;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read the log of a run's work in one repository, at most 10 MiB of it.
#[utoipa::path(
    get, path = "/api/v2.0/retentions/{id}/executions/{eid}/tasks/{tid}", tag = "Retention",
    operation_id = "getRetentionTaskLog",
    params(("id" = i64, Path), ("eid" = i64, Path), ("tid" = i64, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn log(
    State(app): State<App>,
    ctx: Context,
    Path((id, execution, task)): Path<(PathId, PathId, PathId)>,
) -> Result<([(HeaderName, &'static str); 1], String)> {
    let (id, execution, task) = (id.get("id")?, execution.get("eid")?, task.get("tid")?);
    let text = run::log(&app, &ctx, id, execution, task).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text))
}
