use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{ErrorBody, ScheduleTask};

use crate::error::Result;
use crate::features::jobservice::schedules;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List everything that is done by the clock.
#[utoipa::path(
    get, path = "/api/v2.0/schedules", tag = "schedule", operation_id = "listSchedules",
    params(("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query)),
    responses(
        (status = 200, body = Vec<ScheduleTask>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::jobservice) async fn schedules(
    State(app): State<App>,
    ctx: Context,
    page: Page,
) -> Result<(HeaderMap, Json<Vec<ScheduleTask>>)> {
    let (found, total) = schedules::list(&app, &ctx, &page).await?;
    Ok((page.headers(total), Json(found)))
}
