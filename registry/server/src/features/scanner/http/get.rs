use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::scanner::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a project's scanner: nothing, since there is none.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/scanner", tag = "project",
    operation_id = "getScannerOfProject",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    responses(
        (status = 200, description = "Without a body: there is none"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::scanner) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
) -> Result<[(HeaderName, &'static str); 1]> {
    service::none(&app, &ctx, &project).await?;
    Ok([(header::CONTENT_TYPE, "application/json")])
}
