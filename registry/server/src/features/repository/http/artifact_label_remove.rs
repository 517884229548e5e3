use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::repository::artifact::label;
use crate::features::repository::service::Address;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Take a label from an artifact.
#[utoipa::path(
    delete,
    path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels/{label_id}",
    tag = "artifact", operation_id = "removeLabel",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"), ("label_id" = i64, Path),
    ),
    responses(
        (status = 200, description = "Taken"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn remove(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference, label_id)): Path<(String, String, String, PathId)>,
) -> Result<StatusCode> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    label::remove(&app, &ctx, address, &reference, label_id.get("label_id")?).await?;
    Ok(StatusCode::OK)
}
