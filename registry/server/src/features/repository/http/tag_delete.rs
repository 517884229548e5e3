use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::repository::service::Address;
use crate::features::repository::tag::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Remove a tag from an artifact; the artifact stays.
#[utoipa::path(
    delete, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}",
    tag = "artifact", operation_id = "deleteTag",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
        ("tag_name" = String, Path),
    ),
    responses(
        (status = 200, description = "Removed"), (status = 412, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference, tag)): Path<(String, String, String, String)>,
) -> Result<StatusCode> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::delete(&app, &ctx, address, &reference, &tag).await?;
    Ok(StatusCode::OK)
}
