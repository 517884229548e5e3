use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, RetentionPolicy};

use crate::error::Result;
use crate::features::request::PathId;
use crate::features::retention::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a retention policy.
#[utoipa::path(
    get, path = "/api/v2.0/retentions/{id}", tag = "Retention", operation_id = "getRetention",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = RetentionPolicy), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<RetentionPolicy>> {
    service::get(&app, &ctx, id.get("id")?).await.map(Json)
}
