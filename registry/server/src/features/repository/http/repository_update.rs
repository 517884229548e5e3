use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, RepositoryUpdate};

use crate::error::Result;
use crate::features::repository::service::{self, Address};
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a repository's description.
#[utoipa::path(
    put, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}", tag = "repository",
    operation_id = "updateRepository",
    params(("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),),
    request_body = RepositoryUpdate,
    responses(
        (status = 200, description = "Changed"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository)): Path<(String, String)>,
    Body(change): Body<RepositoryUpdate>,
) -> Result<StatusCode> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::describe(&app, &ctx, address, &change.description).await?;
    Ok(StatusCode::OK)
}
