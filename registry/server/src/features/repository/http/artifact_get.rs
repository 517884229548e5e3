use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{Artifact, ErrorBody};

use crate::error::Result;
use crate::features::repository::artifact::service;
use crate::features::repository::http::artifact_list::with;
use crate::features::repository::service::Address;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read an artifact by tag or digest.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}",
    tag = "artifact", operation_id = "getArtifact",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("reference" = String, Path, description = "a tag or a digest"),
        ("page" = Option<i64>, Query, description = "without effect, as in Harbor"), ("page_size" = Option<i64>, Query),
        ("with_signature" = Option<bool>, Query, description = "without effect: accessories tell of signatures"),
        ("with_tag" = Option<bool>, Query), ("with_label" = Option<bool>, Query),
        ("with_accessory" = Option<bool>, Query), ("with_immutable_status" = Option<bool>, Query),
        ("with_inherited_accessory" = Option<bool>, Query, description = "the signatures of the indexes that it is a part of"),
        ("with_scan_overview" = Option<bool>, Query, description = "there is no scanner yet: nothing is shown"),
        ("with_sbom_overview" = Option<bool>, Query, description = "there is no scanner yet: nothing is shown"),
    ),
    responses(
        (status = 200, body = Artifact),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository, reference)): Path<(String, String, String)>,
    params: Params,
) -> Result<Json<Artifact>> {
    let address = Address {
        project: &project,
        repository: &repository,
    };
    service::get(&app, &ctx, address, &reference, with(&params))
        .await
        .map(Json)
}
