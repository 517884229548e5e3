use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, Project};

use crate::error::Result;
use crate::features::project::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a project by name or id.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}", tag = "project", operation_id = "getProject",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    responses(
        (status = 200, body = Project),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
) -> Result<Json<Project>> {
    service::get(&app, &ctx, &project).await.map(Json)
}
