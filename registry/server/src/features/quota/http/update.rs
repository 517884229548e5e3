use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, QuotaUpdate};

use crate::error::Result;
use crate::features::quota::service;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a limit.
#[utoipa::path(
    put, path = "/api/v2.0/quotas/{id}", tag = "quota", operation_id = "updateQuota",
    params(("id" = i64, Path)),
    request_body = QuotaUpdate,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::quota) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(change): Body<QuotaUpdate>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, id.get("id")?, &change.hard).await?;
    Ok(StatusCode::OK)
}
