use axum::extract::State;
use axum::http::StatusCode;
use slipway_api::{CveAllowlist, ErrorBody};

use crate::error::Result;
use crate::features::cve_allowlist::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Replace the system's list (administrators).
#[utoipa::path(
    put, path = "/api/v2.0/system/CVEAllowlist", tag = "SystemCVEAllowlist", operation_id = "putSystemCVEAllowlist",
    request_body = CveAllowlist,
    responses(
        (status = 200, description = "Replaced"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::cve_allowlist) async fn update(
    State(app): State<App>,
    ctx: Context,
    Body(list): Body<CveAllowlist>,
) -> Result<StatusCode> {
    service::replace(&app, &ctx, list).await?;
    Ok(StatusCode::OK)
}
