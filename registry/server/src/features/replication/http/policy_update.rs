use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, ReplicationPolicy};

use crate::error::Result;
use crate::features::replication::service;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Replace all that a replication policy says.
#[utoipa::path(
    put, path = "/api/v2.0/replication/policies/{id}", tag = "replication", operation_id = "updateReplicationPolicy",
    params(("id" = i64, Path)),
    request_body = ReplicationPolicy,
    responses(
        (status = 200, description = "Done"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(body): Body<ReplicationPolicy>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, id.get("id")?, body).await?;
    Ok(StatusCode::OK)
}
