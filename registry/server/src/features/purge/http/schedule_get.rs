use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::chore;
use crate::features::purge::CHORE;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read the schedule of clearing of the audit log; without one the body is empty.
#[utoipa::path(
    get, path = "/api/v2.0/system/purgeaudit/schedule", tag = "purge", operation_id = "getPurgeSchedule",
    responses((status = 200, description = "An ExecHistory; nothing where there is no schedule"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
)]
pub(in crate::features::purge) async fn get(State(app): State<App>, ctx: Context) -> Result<Response> {
    Ok(match chore::scheduled(&app, &ctx, &CHORE).await? {
        Some(schedule) => Json(schedule).into_response(),
        None => [(header::CONTENT_TYPE, "application/json")].into_response(),
    })
}
