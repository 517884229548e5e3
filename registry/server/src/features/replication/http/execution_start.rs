use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, StartReplicationExecution};

use crate::error::Result;
use crate::features::location;
use crate::features::replication::run;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Run a replication policy.
#[utoipa::path(
    post, path = "/api/v2.0/replication/executions", tag = "replication", operation_id = "startReplication",
    request_body = StartReplicationExecution,
    responses(
        (status = 201, description = "Location names it"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 412, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn start(
    State(app): State<App>,
    ctx: Context,
    Body(body): Body<StartReplicationExecution>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = run::start(&app, &ctx, body.policy_id).await?;
    let location = location(&["replication", "executions", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
