use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, RegistryInfo};

use crate::error::Result;
use crate::features::registry::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Say what can be done with a registry; 0 is this one.
#[utoipa::path(
    get, path = "/api/v2.0/registries/{id}/info", tag = "registry", operation_id = "getRegistryInfo",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = RegistryInfo), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn info(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<RegistryInfo>> {
    service::info(&app, &ctx, id.get("id")?).await.map(Json)
}
