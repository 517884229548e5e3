use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, ProjectScanner};

use crate::error::Result;
use crate::features::request::Body;
use crate::features::scanner::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::unprocessable;

/// Choose a project's scanner: none is registered, so each is refused.
#[utoipa::path(
    put, path = "/api/v2.0/projects/{project_name_or_id}/scanner", tag = "project",
    operation_id = "setScannerOfProject",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    request_body = ProjectScanner,
    responses(
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such project or scanner"),
    ),
)]
pub(in crate::features::scanner) async fn set(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    Body(scanner): Body<ProjectScanner>,
) -> Result<StatusCode> {
    if scanner.uuid.is_empty() {
        return Err(unprocessable("uuid in body is required"));
    }
    service::set(&app, &ctx, &project, &scanner.uuid).await?;
    Ok(StatusCode::OK)
}
