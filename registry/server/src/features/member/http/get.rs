use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, Member};

use crate::error::Result;
use crate::features::member::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a member.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/members/{mid}", tag = "member",
    operation_id = "getProjectMember",
    params(
        ("project_name_or_id" = String, Path), ("mid" = i64, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    responses(
        (status = 200, body = Member),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::member) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path((project, mid)): Path<(String, PathId)>,
) -> Result<Json<Member>> {
    service::get(&app, &ctx, &project, mid.get("mid")?)
        .await
        .map(Json)
}
