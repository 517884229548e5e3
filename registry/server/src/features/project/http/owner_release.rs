use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::project::owner::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Slipway's own: remove the mark; with `uid` only where it is that object's.
#[utoipa::path(
    delete, path = "/api/slipway/v1/projects/{name}/owner", tag = "slipway", operation_id = "releaseProjectOwner",
    params(("name" = String, Path), ("uid" = Option<String>, Query)),
    responses(
        (status = 200, description = "It is not that object's (any more)"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn release(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    service::release(&app, &ctx, &project, params.text("uid")).await?;
    Ok(StatusCode::OK)
}
