use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, ExecHistory};

use crate::error::Result;
use crate::features::chore;
use crate::features::purge::CHORE;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read one run of clearing of the audit log.
#[utoipa::path(
    get, path = "/api/v2.0/system/purgeaudit/{purge_id}", tag = "purge", operation_id = "getPurgeJob",
    params(("purge_id" = i64, Path)),
    responses(
        (status = 200, body = ExecHistory), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::purge) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<ExecHistory>> {
    chore::find(&app, &ctx, &CHORE, id.get("purge_id")?)
        .await
        .map(Json)
}
