use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, ImmutableRule};

use crate::error::Result;
use crate::features::immutable::service;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a rule for immutable tags, or put it into or out of force.
#[utoipa::path(
    put, path = "/api/v2.0/projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}", tag = "immutable",
    operation_id = "UpdateImmuRule",
    params(
        ("project_name_or_id" = String, Path), ("immutable_rule_id" = i64, Path),
        ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    request_body = ImmutableRule,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::immutable) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path((project, id)): Path<(String, PathId)>,
    Body(rule): Body<ImmutableRule>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, &project, id.get("immutable_rule_id")?, rule).await?;
    Ok(StatusCode::OK)
}
