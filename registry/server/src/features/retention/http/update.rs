use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, RetentionPolicy};

use crate::error::Result;
use crate::features::request::{Body, PathId};
use crate::features::retention::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a project's retention policy. Without rules nothing is deleted.
#[utoipa::path(
    put, path = "/api/v2.0/retentions/{id}", tag = "Retention", operation_id = "updateRetention",
    params(("id" = i64, Path)),
    request_body = RetentionPolicy,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(policy): Body<RetentionPolicy>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, id.get("id")?, policy).await?;
    Ok(StatusCode::OK)
}
