//! How it is set, for the operator.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};
use slipway_api::ErrorBody;

use super::super::configure;
use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// The settings, for the operator's own account.
#[utoipa::path(
    get, path = "/api/v2.0/internalconfig", tag = "configure", operation_id = "getInternalconfig",
    responses((status = 200, body = Object), (status = 401, body = ErrorBody)),
)]
pub(in crate::features::system) async fn internal(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Map<String, Value>>> {
    configure::read_internally(&app, &ctx).await.map(Json)
}
