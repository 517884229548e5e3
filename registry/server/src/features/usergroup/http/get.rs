use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, UserGroup};

use crate::error::Result;
use crate::features::request::PathId;
use crate::features::usergroup::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a group.
#[utoipa::path(
    get, path = "/api/v2.0/usergroups/{group_id}", tag = "usergroup", operation_id = "getUserGroup",
    params(("group_id" = i64, Path)),
    responses(
        (status = 200, body = UserGroup), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::usergroup) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<UserGroup>> {
    service::get(&app, &ctx, id.get("group_id")?).await.map(Json)
}
