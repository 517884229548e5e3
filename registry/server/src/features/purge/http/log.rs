use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::chore;
use crate::features::purge::CHORE;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read the log of a run of clearing of the audit log, at most 10 MiB of it.
#[utoipa::path(
    get, path = "/api/v2.0/system/purgeaudit/{purge_id}/log", tag = "purge", operation_id = "getPurgeJobLog",
    params(("purge_id" = i64, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::purge) async fn log(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<([(HeaderName, &'static str); 1], String)> {
    let text = chore::log(&app, &ctx, &CHORE, id.get("purge_id")?).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text))
}
