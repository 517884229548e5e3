//! One account.

use axum::Json;
use axum::extract::{Path, State};
use slipway_api::CurrentUser;

use super::super::service;
use crate::error::Result;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// One account, for itself and for administrators.
#[utoipa::path(get, path = "/api/v2.0/users/{user_id}", tag = "user", operation_id = "getUser", params(("user_id" = i64, Path)),
    responses((status = 200, body = CurrentUser)))]
pub(in crate::features::user) async fn get(
    State(app): State<App>,
    Path(id): Path<PathId>,
    ctx: Context,
) -> Result<Json<CurrentUser>> {
    let id = id.get("user_id")?;
    service::get(&app, &ctx, id).await.map(Json)
}
