use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::chore;
use crate::features::purge::CHORE;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Stop a run of clearing of the audit log.
#[utoipa::path(
    put, path = "/api/v2.0/system/purgeaudit/{purge_id}", tag = "purge", operation_id = "stopPurge",
    params(("purge_id" = i64, Path)),
    responses(
        (status = 200, description = "Asked to end, or ended before"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::purge) async fn stop(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    chore::stop(&app, &ctx, &CHORE, id.get("purge_id")?).await?;
    Ok(StatusCode::OK)
}
