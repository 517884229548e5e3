use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::registry::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Forget another registry that no policy and no project needs.
#[utoipa::path(
    delete, path = "/api/v2.0/registries/{id}", tag = "registry", operation_id = "deleteRegistry",
    params(("id" = i64, Path)),
    responses(
        (status = 200, description = "Forgotten"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, id.get("id")?).await?;
    Ok(StatusCode::OK)
}
