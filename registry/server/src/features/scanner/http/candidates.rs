use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::request::Params;
use crate::features::request::query::Query;
use crate::features::scanner::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the scanners that a project can choose from: none.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/scanner/candidates", tag = "project",
    operation_id = "listScannerCandidatesOfProject",
    params(
        ("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
        ("q" = Option<String>, Query, description = "read, though there is nothing to find"), ("sort" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<String>, description = "An empty list"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::scanner) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<[(); 0]>)> {
    Query::read(&params)?;
    service::no_candidates(&app, &ctx, &project).await?;
    Ok((page.headers(0), Json([])))
}
