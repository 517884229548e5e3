use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::label::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete a label; the artifacts that it was on lose it.
#[utoipa::path(
    delete, path = "/api/v2.0/labels/{label_id}", tag = "label", operation_id = "DeleteLabel",
    params(("label_id" = i64, Path)),
    responses(
        (status = 200, description = "Deleted"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::label) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, id.get("label_id")?).await?;
    Ok(StatusCode::OK)
}
