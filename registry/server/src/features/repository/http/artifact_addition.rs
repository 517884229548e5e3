use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{BuildHistory, ErrorBody};

use crate::error::Result;
use crate::features::repository::artifact::service;
use crate::features::repository::service::Address;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// More about an artifact: how an image was built (`build_history`).
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}",
    tag = "artifact", operation_id = "getAddition",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
        ("addition" = String, Path),
    ),
    responses(
        (status = 200, body = Vec<BuildHistory>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference, addition)): Path<(String, String, String, String)>,
) -> Result<Json<Vec<BuildHistory>>> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::build_history(&app, &ctx, address, &reference, &addition)
        .await
        .map(Json)
}
