use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, ProjectSummary};

use crate::error::Result;
use crate::features::project::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Counts of a project: repositories, members by role, limit and use.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/summary", tag = "project",
    operation_id = "getProjectSummary",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    responses(
        (status = 200, body = ProjectSummary),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn summary(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
) -> Result<Json<ProjectSummary>> {
    service::summary(&app, &ctx, &project).await.map(Json)
}
