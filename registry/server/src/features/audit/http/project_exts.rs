use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{AuditLogExt, ErrorBody};

use super::{listed, wanted};
use crate::error::Result;
use crate::features::audit::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// A project's entries, newest first.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/auditlog-exts", tag = "project", operation_id = "getLogExts",
    params(
        ("project_name" = String, Path),
        ("q" = Option<String>, Query, description = "operation, resource_type, resource, username, operation_description, operation_result, op_time=[from~to]"),
        ("sort" = Option<String>, Query, description = "op_time or -op_time"),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
    ),
    responses(
        (status = 200, body = Vec<AuditLogExt>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::audit) async fn project_exts(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<AuditLogExt>>)> {
    let (filter, cut) = wanted(&params, &page)?;
    let found = service::of_project(&app, &ctx, &project, &filter, &cut).await?;
    Ok(listed(&page, found))
}
