use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Quota};

use crate::error::Result;
use crate::features::quota::service;
use crate::features::quota::store::Cut;
use crate::features::request::Params;
use crate::features::request::query::sort;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List limits and uses.
#[utoipa::path(
    get, path = "/api/v2.0/quotas", tag = "quota", operation_id = "listQuotas",
    params(
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
        ("reference" = Option<String>, Query, description = "only `project` has quotas"),
        ("reference_id" = Option<i64>, Query, description = "a project's id"),
        ("sort" = Option<String>, Query, description = "creation_time, update_time, hard.storage, used.storage"),
    ),
    responses((status = 200, body = Vec<Quota>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::quota) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Quota>>)> {
    let known = ["creation_time", "update_time", "hard.storage", "used.storage"];
    let (sort, down) = sort(&params, &known, ("creation_time", true));
    let project_id = match params.text("reference") {
        // Nothing else has quotas, and no project has the id 0.
        Some(other) if other != "project" => Some(0),
        _ => params.number("reference_id")?,
    };
    let cut = Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    };
    let (quotas, total) = service::list(&app, &ctx, project_id, cut).await?;
    Ok((page.headers(total), Json(quotas)))
}
