use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, ExecHistory};

use crate::error::Result;
use crate::features::chore;
use crate::features::purge::CHORE;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List the runs of clearing of the audit log, newest first.
#[utoipa::path(
    get, path = "/api/v2.0/system/purgeaudit", tag = "purge", operation_id = "getPurgeHistory",
    params(
        ("q" = Option<String>, Query, description = "id, status, trigger"),
        ("sort" = Option<String>, Query, description = "id or -id"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<ExecHistory>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::purge) async fn history(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<ExecHistory>>)> {
    let (runs, total) = chore::history(&app, &ctx, &CHORE, &page, &params).await?;
    Ok((page.headers(total), Json(runs)))
}
