use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, Registry};

use crate::error::Result;
use crate::features::location;
use crate::features::registry::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Make another registry known. It need not answer at that moment; its status says whether it did.
#[utoipa::path(
    post, path = "/api/v2.0/registries", tag = "registry", operation_id = "createRegistry",
    request_body = Registry,
    responses(
        (status = 201, description = "Known; Location names the registry"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn create(
    State(app): State<App>,
    ctx: Context,
    Body(registry): Body<Registry>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = service::create(&app, &ctx, registry).await?;
    let location = location(&["registries", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
