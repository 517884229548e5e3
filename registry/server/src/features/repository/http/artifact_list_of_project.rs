use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{Artifact, ErrorBody};

use crate::error::Result;
use crate::features::repository::artifact::of_project::{self, Scope};
use crate::features::repository::http::artifact_list::{cut, wanted, with};
use crate::features::request::Params;
use crate::features::request::query::Query;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the artifacts of all repositories of a project.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/artifacts", tag = "project",
    operation_id = "listArtifactsOfProject",
    params(
        ("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
        ("q" = Option<String>, Query, description = "repository_name, tags, labels=(1 2), digest, artifact_type, media_type, base=*"),
        ("sort" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
        ("with_tag" = Option<bool>, Query), ("with_label" = Option<bool>, Query),
        ("with_accessory" = Option<bool>, Query), ("with_immutable_status" = Option<bool>, Query),
        ("with_inherited_accessory" = Option<bool>, Query, description = "the signatures of the indexes that it is a part of"),
        ("with_scan_overview" = Option<bool>, Query, description = "there is no scanner yet: nothing is shown"),
        ("with_sbom_overview" = Option<bool>, Query, description = "there is no scanner yet: nothing is shown"),
        ("latest_in_repository" = Option<bool>, Query, description = "only the newest of each repository; needs media_type or artifact_type in q"),
    ),
    responses(
        (status = 200, body = Vec<Artifact>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Artifact>>)> {
    let query = Query::read(&params)?;
    let scope = Scope {
        repository: query
            .exact(&["repository_name", "RepositoryName"])
            .map(str::to_owned),
        latest: params.switch("latest_in_repository").unwrap_or(false),
    };
    let wanted = (scope, wanted(&query)?);
    let (artifacts, total) =
        of_project::list(&app, &ctx, &project, wanted, with(&params), cut(&params, &page)).await?;
    Ok((page.headers(total), Json(artifacts)))
}
