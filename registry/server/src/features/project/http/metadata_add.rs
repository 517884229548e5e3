use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::project::metadata::{Metadata, service};
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Add one setting to a project.
#[utoipa::path(
    post, path = "/api/v2.0/projects/{project_name_or_id}/metadatas", tag = "projectMetadata",
    operation_id = "addProjectMetadatas",
    params(
        ("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    request_body = HashMap<String, String>,
    responses(
        (status = 200, description = "Added"), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn add(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    Body(sent): Body<Metadata>,
) -> Result<StatusCode> {
    service::add(&app, &ctx, &project, sent).await?;
    Ok(StatusCode::OK)
}
