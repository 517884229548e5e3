use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::repository::artifact::removal;
use crate::features::repository::service::Address;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete an artifact with all its tags, with what refers to it, and with those parts of an index that
/// nothing else holds. A part of an index is refused.
#[utoipa::path(
    delete, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}",
    tag = "artifact", operation_id = "deleteArtifact",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
    ),
    responses(
        (status = 200, description = "Deleted"), (status = 412, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference)): Path<(String, String, String)>,
) -> Result<StatusCode> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    removal::delete(&app, &ctx, address, &reference).await?;
    Ok(StatusCode::OK)
}
