use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, Label};

use crate::error::Result;
use crate::features::repository::artifact::label;
use crate::features::repository::service::Address;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Put a label on an artifact; of the body only the id counts.
#[utoipa::path(
    post, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels",
    tag = "artifact", operation_id = "addLabel",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
    ),
    request_body = Label,
    responses(
        (status = 200, description = "Put"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn add(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference)): Path<(String, String, String)>,
    Body(wanted): Body<Label>,
) -> Result<StatusCode> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    label::add(&app, &ctx, address, &reference, wanted.id).await?;
    Ok(StatusCode::OK)
}
