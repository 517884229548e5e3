//! How it is set.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};

use super::super::settings;
use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Harbor's settings as they stand here (administrators).
#[utoipa::path(get, path = "/api/v2.0/configurations", tag = "configure", operation_id = "getConfigurations", responses((status = 200)))]
pub(in crate::features::system) async fn configurations(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Map<String, Value>>> {
    let mut conn = app.pool.acquire().await?;
    standing::require_administrator(&mut conn, app.clock.now(), &ctx).await?;
    Ok(Json(settings::all(&app.config)))
}
