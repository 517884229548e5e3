//! An account that goes.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::super::service;
use crate::error::Result;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Removes an account (administrators).
#[utoipa::path(delete, path = "/api/v2.0/users/{user_id}", tag = "user", operation_id = "deleteUser", params(("user_id" = i64, Path)),
    responses((status = 200)))]
pub(in crate::features::user) async fn delete(
    State(app): State<App>,
    Path(id): Path<PathId>,
    ctx: Context,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, id.get("user_id")?).await?;
    Ok(StatusCode::OK)
}
