use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::repository::service::{self, Address};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete a repository and all that is in it.
#[utoipa::path(
    delete, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}", tag = "repository",
    operation_id = "deleteRepository",
    params(("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),),
    responses(
        (status = 200, description = "Deleted"), (status = 412, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository)): Path<(String, String)>,
) -> Result<StatusCode> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::delete(&app, &ctx, address).await?;
    Ok(StatusCode::OK)
}
