use axum::extract::{Path, State};
use axum::http::StatusCode;
use slipway_api::{ErrorBody, Label};

use crate::error::Result;
use crate::features::label::service;
use crate::features::request::{Body, PathId};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change a label's name, description and colour.
#[utoipa::path(
    put, path = "/api/v2.0/labels/{label_id}", tag = "label", operation_id = "UpdateLabel",
    params(("label_id" = i64, Path)),
    request_body = Label,
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::label) async fn update(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(label): Body<Label>,
) -> Result<StatusCode> {
    service::update(&app, &ctx, id.get("label_id")?, &label).await?;
    Ok(StatusCode::OK)
}
