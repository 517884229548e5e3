use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, RetentionExecutionTask};

use super::page_of;
use crate::error::Result;
use crate::features::request::PathId;
use crate::features::retention::run;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the work of a retention policy's run, a task for each repository.
#[utoipa::path(
    get, path = "/api/v2.0/retentions/{id}/executions/{eid}/tasks", tag = "Retention",
    operation_id = "listRetentionTasks",
    params(
        ("id" = i64, Path), ("eid" = i64, Path), ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<RetentionExecutionTask>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path((id, execution)): Path<(PathId, PathId)>,
    page: Page,
) -> Result<(HeaderMap, Json<Vec<RetentionExecutionTask>>)> {
    let tasks = run::tasks(&app, &ctx, id.get("id")?, execution.get("eid")?).await?;
    Ok(page_of(&page, tasks))
}
