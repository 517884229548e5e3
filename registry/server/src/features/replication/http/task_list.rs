use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, ReplicationTask};

use crate::error::Result;
use crate::features::replication::run;
use crate::features::request::{Params, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the tasks of a run, one or more for each repository, newest first.
#[utoipa::path(
    get, path = "/api/v2.0/replication/executions/{id}/tasks", tag = "replication",
    operation_id = "listReplicationTasks",
    params(
        ("id" = i64, Path), ("sort" = Option<String>, Query), ("page" = Option<i64>, Query),
        ("page_size" = Option<i64>, Query),
        ("status" = Option<String>, Query, description = "Pending, InProgress, Succeed, Failed or Stopped"),
        ("resource_type" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = Vec<ReplicationTask>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<ReplicationTask>>)> {
    let filter = (params.text("status"), params.text("resource_type"));
    let (tasks, total) = run::tasks(&app, &ctx, id.get("id")?, filter, &page).await?;
    Ok((page.headers(total), Json(tasks)))
}
