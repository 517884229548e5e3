use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::request::PathId;
use crate::features::retention::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete a retention policy.
#[utoipa::path(
    delete, path = "/api/v2.0/retentions/{id}", tag = "Retention", operation_id = "deleteRetention",
    params(("id" = i64, Path)),
    responses(
        (status = 200, description = "Deleted"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, id.get("id")?).await?;
    Ok(StatusCode::OK)
}
