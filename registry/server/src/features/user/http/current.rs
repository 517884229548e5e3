//! The caller's own account.

use axum::Json;
use axum::extract::State;
use slipway_api::CurrentUser;

use super::super::service;
use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// The caller's own account.
#[utoipa::path(get, path = "/api/v2.0/users/current", tag = "user", operation_id = "getCurrentUserInfo", responses((status = 200, body = CurrentUser)))]
pub(in crate::features::user) async fn current(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<CurrentUser>> {
    service::current(&app, &ctx).await.map(Json)
}
