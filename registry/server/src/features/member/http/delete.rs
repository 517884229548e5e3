use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::member::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Remove a member.
#[utoipa::path(
    delete, path = "/api/v2.0/projects/{project_name_or_id}/members/{mid}", tag = "member",
    operation_id = "deleteProjectMember",
    params(
        ("project_name_or_id" = String, Path), ("mid" = i64, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    responses(
        (status = 200, description = "Removed"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::member) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path((project, mid)): Path<(String, PathId)>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, &project, mid.get("mid")?).await?;
    Ok(StatusCode::OK)
}
