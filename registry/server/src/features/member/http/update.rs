use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, MemberRole};

use crate::error::Result;
use crate::features::member::service;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a member's role.
#[utoipa::path(
    put, path = "/api/v2.0/projects/{project_name_or_id}/members/{mid}", tag = "member",
    operation_id = "updateProjectMember",
    params(
        ("project_name_or_id" = String, Path), ("mid" = i64, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    request_body = MemberRole,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::member) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path((project, mid)): Path<(String, PathId)>,
    Body(role): Body<MemberRole>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, &project, mid.get("mid")?, role.role_id).await?;
    Ok(StatusCode::OK)
}
