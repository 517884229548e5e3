use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::immutable::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Delete a rule for immutable tags.
#[utoipa::path(
    delete, path = "/api/v2.0/projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}", tag = "immutable",
    operation_id = "DeleteImmuRule",
    params(
        ("project_name_or_id" = String, Path), ("immutable_rule_id" = i64, Path),
        ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    responses(
        (status = 200, description = "Deleted"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::immutable) async fn delete(
    State(app): State<App>,
    ctx: Context,
    Path((project, id)): Path<(String, PathId)>,
) -> Result<StatusCode> {
    service::delete(&app, &ctx, &project, id.get("immutable_rule_id")?).await?;
    Ok(StatusCode::OK)
}
