use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::repository::artifact::copy::{self, Source};
use crate::features::repository::service::Address;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Copy an artifact from another repository, with the parts of an index and with what refers to it.
#[utoipa::path(
    post, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts", tag = "artifact",
    operation_id = "CopyArtifact",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("from" = String, Query, description = "project/repository:tag or project/repository@digest"),
        ("all_tags" = Option<bool>, Query, description = "Slipway's own: set all tags of the source, also where they stand on other artifacts"),
    ),
    responses(
        (status = 201, description = "Copied; Location names the artifact"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 412, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn copy(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository)): Path<(String, String)>,
    uri: Uri,
    params: Params,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    let source = Source::parse(params.required("from")?)?;
    let all_tags = params.switch("all_tags").unwrap_or(false);
    copy::copy(&app, &ctx, address, &source, all_tags).await?;
    let location = format!("{}/{}", uri.path(), source.reference());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
