use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, RetentionExecution};

use super::page_of;
use crate::error::Result;
use crate::features::request::PathId;
use crate::features::retention::run;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List a retention policy's runs, newest first.
#[utoipa::path(
    get, path = "/api/v2.0/retentions/{id}/executions", tag = "Retention", operation_id = "listRetentionExecutions",
    params(("id" = i64, Path), ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query)),
    responses(
        (status = 200, body = Vec<RetentionExecution>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    page: Page,
) -> Result<(HeaderMap, Json<Vec<RetentionExecution>>)> {
    Ok(page_of(&page, run::executions(&app, &ctx, id.get("id")?).await?))
}
