use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::replication::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete a replication policy; its runs are stopped.
#[utoipa::path(
    delete, path = "/api/v2.0/replication/policies/{id}", tag = "replication", operation_id = "deleteReplicationPolicy",
    params(("id" = i64, Path)),
    responses(
        (status = 200, description = "Done"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, id.get("id")?).await?;
    Ok(StatusCode::OK)
}
