use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, TagCreate};

use crate::error::Result;
use crate::features::repository::service::Address;
use crate::features::repository::tag::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::unprocessable;

/// Set a new tag on an artifact.
#[utoipa::path(
    post, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags",
    tag = "artifact", operation_id = "createTag",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
    ),
    request_body = TagCreate,
    responses(
        (status = 201, description = "Set"), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn create(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference)): Path<(String, String, String)>,
    Body(tag): Body<TagCreate>,
) -> Result<StatusCode> {
    if tag.name.is_empty() {
        return Err(unprocessable("name in body is required"));
    }
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::create(&app, &ctx, address, &reference, &tag.name).await?;
    Ok(StatusCode::CREATED)
}
