use axum::extract::{Path, State};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::repository::artifact::service;
use crate::features::repository::service::Address;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// An artifact's vulnerabilities. Without a scanner nothing is known of them.
#[utoipa::path(
    get,
    path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/vulnerabilities",
    tag = "artifact", operation_id = "getVulnerabilitiesAddition",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
    ),
    responses(
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such artifact, or no scanner"),
    ),
)]
pub(in crate::features::repository) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference)): Path<(String, String, String)>,
) -> Result<()> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::vulnerabilities(&app, &ctx, address, &reference).await
}
