use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::chore;
use crate::features::gc::CHORE;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read the log of a run of garbage collection, at most 10 MiB of it.
#[utoipa::path(
    get, path = "/api/v2.0/system/gc/{gc_id}/log", tag = "gc", operation_id = "getGCLog",
    params(("gc_id" = i64, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::gc) async fn log(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<([(HeaderName, &'static str); 1], String)> {
    let text = chore::log(&app, &ctx, &CHORE, id.get("gc_id")?).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text))
}
