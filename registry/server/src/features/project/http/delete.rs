use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::project::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete a project, its members and robots. Refused while it holds repositories, unless `force` is given
/// (Slipway's own), which deletes them too.
#[utoipa::path(
    delete, path = "/api/v2.0/projects/{project_name_or_id}", tag = "project", operation_id = "deleteProject",
    params(
        ("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
        ("force" = Option<bool>, Query, description = "Slipway's own: delete the repositories too"),
    ),
    responses(
        (status = 200, description = "Deleted"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 412, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, &project, params.switch("force").unwrap_or(false)).await?;
    Ok(StatusCode::OK)
}
