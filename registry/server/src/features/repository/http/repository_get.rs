use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, Repository};

use crate::error::Result;
use crate::features::repository::service::{self, Address};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a repository.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}", tag = "repository",
    operation_id = "getRepository",
    params(("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),),
    responses(
        (status = 200, body = Repository),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository)): Path<(String, String)>,
) -> Result<Json<Repository>> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::get(&app, &ctx, address).await.map(Json)
}
