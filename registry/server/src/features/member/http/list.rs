use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, Member};

use crate::error::Result;
use crate::features::member::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List a project's members.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/members", tag = "member",
    operation_id = "listProjectMembers",
    params(
        ("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
        ("entityname" = Option<String>, Query, description = "the user's whole name"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses((status = 200, body = Vec<Member>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::member) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Member>>)> {
    let cut = (page.limit(), page.offset());
    let (members, total) = service::list(&app, &ctx, &project, params.text("entityname"), cut).await?;
    Ok((page.headers(total), Json(members)))
}
