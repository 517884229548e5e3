use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::project::metadata::{Metadata, service};
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Set one setting of a project.
#[utoipa::path(
    put, path = "/api/v2.0/projects/{project_name_or_id}/metadatas/{meta_name}", tag = "projectMetadata",
    operation_id = "updateProjectMetadata",
    params(
        ("project_name_or_id" = String, Path), ("meta_name" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    request_body = HashMap<String, String>,
    responses(
        (status = 200, description = "Set"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn set(
    State(app): State<App>,
    ctx: Context,
    Path((project, name)): Path<(String, String)>,
    Body(sent): Body<Metadata>,
) -> Result<StatusCode> {
    service::set(&app, &ctx, &project, &name, sent).await?;
    Ok(StatusCode::OK)
}
