use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, Quota};

use crate::error::Result;
use crate::features::quota::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a limit and its use.
#[utoipa::path(
    get, path = "/api/v2.0/quotas/{id}", tag = "quota", operation_id = "getQuota",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = Quota),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::quota) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<Quota>> {
    service::get(&app, &ctx, id.get("id")?).await.map(Json)
}
