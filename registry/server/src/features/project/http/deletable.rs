use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, ProjectDeletable};

use crate::error::Result;
use crate::features::project::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Can the project be deleted, and if not, why?
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/_deletable", tag = "project",
    operation_id = "getProjectDeletable",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    responses(
        (status = 200, body = ProjectDeletable),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn deletable(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
) -> Result<Json<ProjectDeletable>> {
    let reason = service::deletable(&app, &ctx, &project).await?;
    Ok(Json(ProjectDeletable {
        deletable: reason.is_none(),
        message: reason.unwrap_or_default(),
    }))
}
