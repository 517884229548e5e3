use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, Registry};

use crate::error::Result;
use crate::features::registry::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read another registry; 0 is this one.
#[utoipa::path(
    get, path = "/api/v2.0/registries/{id}", tag = "registry", operation_id = "getRegistry",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = Registry), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<Registry>> {
    service::get(&app, &ctx, id.get("id")?).await.map(Json)
}
