use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, ReplicationPolicy};

use crate::error::Result;
use crate::features::replication::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a replication policy.
#[utoipa::path(
    get, path = "/api/v2.0/replication/policies/{id}", tag = "replication", operation_id = "getReplicationPolicy",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = ReplicationPolicy), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<ReplicationPolicy>> {
    service::get(&app, &ctx, id.get("id")?).await.map(Json)
}
