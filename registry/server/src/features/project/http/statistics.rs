use axum::Json;
use axum::extract::State;
use slipway_api::{ErrorBody, Statistics};

use crate::error::Result;
use crate::features::project::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Counts over all projects that the caller sees.
#[utoipa::path(
    get, path = "/api/v2.0/statistics", tag = "statistic", operation_id = "getStatistic",
    responses((status = 200, body = Statistics), (status = 401, body = ErrorBody)),
)]
pub(in crate::features::project) async fn statistics(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Statistics>> {
    service::statistics(&app, &ctx).await.map(Json)
}
