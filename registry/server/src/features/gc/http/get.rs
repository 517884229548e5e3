use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, ExecHistory};

use crate::error::Result;
use crate::features::chore;
use crate::features::gc::CHORE;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read one run of garbage collection.
#[utoipa::path(
    get, path = "/api/v2.0/system/gc/{gc_id}", tag = "gc", operation_id = "getGC",
    params(("gc_id" = i64, Path)),
    responses(
        (status = 200, body = ExecHistory), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::gc) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<ExecHistory>> {
    chore::find(&app, &ctx, &CHORE, id.get("gc_id")?).await.map(Json)
}
