use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, UserGroup};

use crate::error::Result;
use crate::features::request::Params;
use crate::features::request::query::holds;
use crate::features::usergroup::service;
use crate::features::usergroup::store::Wanted;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List groups by name.
#[utoipa::path(
    get, path = "/api/v2.0/usergroups", tag = "usergroup", operation_id = "listUserGroups",
    params(
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
        ("ldap_group_dn" = Option<String>, Query), ("group_name" = Option<String>, Query, description = "a part of the name"),
    ),
    responses((status = 200, body = Vec<UserGroup>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::usergroup) async fn list(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<UserGroup>>)> {
    let wanted = Wanted {
        pattern: params.text("group_name").map(holds),
        dn: params.text("ldap_group_dn").map(str::to_owned),
        limit: page.limit(),
        offset: page.offset(),
    };
    let (groups, total) = service::list(&app, &ctx, &wanted).await?;
    Ok((page.headers(total), Json(groups)))
}
