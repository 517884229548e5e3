use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use slipway_api::{AuditLog, ErrorBody};

use super::{listed, wanted};
use crate::error::Result;
use crate::features::audit::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// The entries that the caller may see, newest first, in Harbor's older shape.
#[utoipa::path(
    get, path = "/api/v2.0/audit-logs", tag = "auditlog", operation_id = "listAuditLogs",
    params(
        ("q" = Option<String>, Query, description = "operation, resource_type, resource, username, operation_description, operation_result, op_time=[from~to]"),
        ("sort" = Option<String>, Query, description = "op_time or -op_time"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<AuditLog>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    ),
)]
pub(in crate::features::audit) async fn logs(
    State(app): State<App>,
    ctx: Context,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<AuditLog>>)> {
    let (filter, cut) = wanted(&params, &page)?;
    let found = service::of_all(&app, &ctx, &filter, &cut).await?;
    Ok(listed(&page, found))
}
