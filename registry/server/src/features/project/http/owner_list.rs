use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, OwnedProject};

use crate::error::Result;
use crate::features::project::owner::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// Slipway's own: the projects that objects declare, of one object or of one cluster's.
#[utoipa::path(
    get, path = "/api/slipway/v1/projects", tag = "slipway", operation_id = "listOwnedProjects",
    params(
        ("owner_uid" = Option<String>, Query), ("owner_cluster" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<OwnedProject>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<OwnedProject>>)> {
    let owner = (params.text("owner_uid"), params.text("owner_cluster"));
    let (projects, total) = service::list(&app, &ctx, owner, (page.limit(), page.offset())).await?;
    Ok((page.headers(total), Json(projects)))
}
