use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::project::metadata::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Remove one setting of a project; without `public` it is private.
#[utoipa::path(
    delete, path = "/api/v2.0/projects/{project_name_or_id}/metadatas/{meta_name}", tag = "projectMetadata",
    operation_id = "deleteProjectMetadata",
    params(
        ("project_name_or_id" = String, Path), ("meta_name" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    responses(
        (status = 200, description = "Removed"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn remove(
    State(app): State<App>,
    ctx: Context,
    Path((project, name)): Path<(String, String)>,
) -> Result<StatusCode> {
    service::remove(&app, &ctx, &project, &name).await?;
    Ok(StatusCode::OK)
}
