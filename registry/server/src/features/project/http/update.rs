use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, ProjectUpdate};

use crate::error::Result;
use crate::features::project::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a project's settings; those that are not named stay as they are.
#[utoipa::path(
    put, path = "/api/v2.0/projects/{project_name_or_id}", tag = "project", operation_id = "updateProject",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    request_body = ProjectUpdate,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    Body(change): Body<ProjectUpdate>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, &project, change).await?;
    Ok(StatusCode::OK)
}
