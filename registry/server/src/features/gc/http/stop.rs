use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::chore;
use crate::features::gc::CHORE;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Stop a run of garbage collection.
#[utoipa::path(
    put, path = "/api/v2.0/system/gc/{gc_id}", tag = "gc", operation_id = "stopGC",
    params(("gc_id" = i64, Path)),
    responses(
        (status = 200, description = "Asked to end, or ended before"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::gc) async fn stop(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<StatusCode> {
    chore::stop(&app, &ctx, &CHORE, id.get("gc_id")?).await?;
    Ok(StatusCode::OK)
}
