use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, Label};

use crate::error::Result;
use crate::features::label::service;
use crate::features::request::PathId;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read a label.
#[utoipa::path(
    get, path = "/api/v2.0/labels/{label_id}", tag = "label", operation_id = "GetLabelByID",
    params(("label_id" = i64, Path)),
    responses(
        (status = 200, body = Label),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::label) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
) -> Result<Json<Label>> {
    service::get(&app, &ctx, id.get("label_id")?).await.map(Json)
}
