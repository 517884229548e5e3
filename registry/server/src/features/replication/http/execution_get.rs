use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, ReplicationExecution};

use crate::error::Result;
use crate::features::replication::run;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a run of a replication policy.
#[utoipa::path(
    get, path = "/api/v2.0/replication/executions/{id}", tag = "replication", operation_id = "getReplicationExecution",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = ReplicationExecution), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<ReplicationExecution>> {
    run::get(&app, &ctx, id.get("id")?).await.map(Json)
}
