use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::replication::run;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read the log of a task, at most 10 MiB of it.
#[utoipa::path(
    get, path = "/api/v2.0/replication/executions/{id}/tasks/{task_id}/log", tag = "replication",
    operation_id = "getReplicationLog",
    params(("id" = i64, Path), ("task_id" = i64, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn log(
    State(app): State<App>,
    ctx: Context,
    Path((id, task)): Path<(PathId, PathId)>,
) -> Result<([(HeaderName, &'static str); 1], String)> {
    let text = run::log(&app, &ctx, id.get("id")?, task.get("task_id")?).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text))
}
