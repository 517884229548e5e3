use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, RegistryUpdate};

use crate::error::Result;
use crate::features::registry::service;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change what is given of another registry. It need not answer at that moment.
#[utoipa::path(
    put, path = "/api/v2.0/registries/{id}", tag = "registry", operation_id = "updateRegistry",
    params(("id" = i64, Path)),
    request_body = RegistryUpdate,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(change): Body<RegistryUpdate>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, id.get("id")?, change).await?;
    Ok(StatusCode::OK)
}
