use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, OwnerMark};

use crate::error::Result;
use crate::features::project::owner::service;
use crate::features::request::{Body, Params};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Slipway's own: mark the object that declares the project. Refused with the present mark in `detail` when
/// another object (by uid) declares it, unless `takeover` is given.
#[utoipa::path(
    put, path = "/api/slipway/v1/projects/{name}/owner", tag = "slipway", operation_id = "claimProjectOwner",
    params(("name" = String, Path), ("takeover" = Option<bool>, Query)),
    request_body = OwnerMark,
    responses(
        (status = 200, description = "The object owns the project"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "Another object owns it; `detail` is its mark", body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn claim(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    params: Params,
    Body(mark): Body<OwnerMark>,
) -> Result<StatusCode> {
    let takeover = params.switch("takeover").unwrap_or(false);
    service::claim(&app, &ctx, &project, mark, takeover).await?;
    Ok(StatusCode::OK)
}
