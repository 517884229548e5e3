use axum::Json;
use axum::extract::State;
use slipway_api::{ErrorBody, RetentionMetadata};

use crate::error::Result;
use crate::features::retention::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Tell what rules of retention can be made of.
#[utoipa::path(
    get, path = "/api/v2.0/retentions/metadatas", tag = "Retention", operation_id = "getRentenitionMetadata",
    responses((status = 200, body = RetentionMetadata), (status = 401, body = ErrorBody)),
)]
pub(in crate::features::retention) async fn get(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<RetentionMetadata>> {
    service::metadata(&app, &ctx).await.map(Json)
}
