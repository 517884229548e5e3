use axum::extract::State;
use axum::http::StatusCode;
use slipway_api::{ErrorBody, RegistryPing};

use crate::error::Result;
use crate::features::registry::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Try a registry that is known by its id, or any other.
#[utoipa::path(
    post, path = "/api/v2.0/registries/ping", tag = "registry", operation_id = "pingRegistry",
    request_body = RegistryPing,
    responses(
        (status = 200, description = "It is there and lets us in"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn ping(
    State(app): State<App>,
    ctx: Context,
    Body(ping): Body<RegistryPing>,
) -> Result<StatusCode> {
    service::ping(&app, &ctx, ping).await?;
    Ok(StatusCode::OK)
}
