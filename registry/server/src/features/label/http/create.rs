use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, Label};

use crate::error::Result;
use crate::features::label::service;
use crate::features::location;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Make a label of the whole registry (scope `g`) or of a project (scope `p`).
#[utoipa::path(
    post, path = "/api/v2.0/labels", tag = "label", operation_id = "CreateLabel",
    request_body = Label,
    responses(
        (status = 201, description = "Made; Location names the label"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::label) async fn create(
    State(app): State<App>,
    ctx: Context,
    Body(label): Body<Label>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = service::create(&app, &ctx, &label).await?;
    let location = location(&["labels", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
