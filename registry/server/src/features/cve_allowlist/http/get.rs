use axum::Json;
use axum::extract::State;
use slipway_api::{CveAllowlist, ErrorBody};

use crate::error::Result;
use crate::features::cve_allowlist::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read the system's list (everybody who is logged in).
#[utoipa::path(
    get, path = "/api/v2.0/system/CVEAllowlist", tag = "SystemCVEAllowlist", operation_id = "getSystemCVEAllowlist",
    responses((status = 200, body = CveAllowlist), (status = 401, body = ErrorBody)),
)]
pub(in crate::features::cve_allowlist) async fn get(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<CveAllowlist>> {
    service::get(&app, &ctx).await.map(Json)
}
