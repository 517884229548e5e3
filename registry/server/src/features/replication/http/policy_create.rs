use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, ReplicationPolicy};

use crate::error::Result;
use crate::features::location;
use crate::features::replication::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Add a replication policy.
#[utoipa::path(
    post, path = "/api/v2.0/replication/policies", tag = "replication", operation_id = "createReplicationPolicy",
    request_body = ReplicationPolicy,
    responses(
        (status = 201, description = "Location names it"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::replication) async fn create(
    State(app): State<App>,
    ctx: Context,
    Body(body): Body<ReplicationPolicy>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = service::create(&app, &ctx, body).await?;
    let location = location(&["replication", "policies", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
