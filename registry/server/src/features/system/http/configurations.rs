//! How it is set.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};

use super::super::configure;
use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Harbor's settings as they stand here (administrators).
#[utoipa::path(get, path = "/api/v2.0/configurations", tag = "configure", operation_id = "getConfigurations", responses((status = 200, body = Object)))]
pub(in crate::features::system) async fn configurations(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Map<String, Value>>> {
    configure::read(&app, &ctx).await.map(Json)
}
