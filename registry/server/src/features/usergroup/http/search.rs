use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, UserGroupSearchItem};

use crate::error::Result;
use crate::features::request::Params;
use crate::features::request::query::holds;
use crate::features::usergroup::service;
use crate::features::usergroup::store::Wanted;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// Find groups by a part of their names (everybody who is logged in).
#[utoipa::path(
    get, path = "/api/v2.0/usergroups/search", tag = "usergroup", operation_id = "searchUserGroups",
    params(("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query), ("groupname" = String, Query)),
    responses((status = 200, body = Vec<UserGroupSearchItem>), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(in crate::features::usergroup) async fn search(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<UserGroupSearchItem>>)> {
    let wanted = Wanted {
        pattern: Some(holds(params.required("groupname")?)),
        dn: None,
        limit: page.limit(),
        offset: page.offset(),
    };
    let (groups, total) = service::search(&app, &ctx, &wanted).await?;
    Ok((page.headers(total), Json(groups)))
}
