use axum::extract::State;
use axum::http::StatusCode;
use slipway_api::{ErrorBody, Schedule};
use slipway_model::permission::Action;

use crate::error::Result;
use crate::features::chore::{self, Wish};
use crate::features::gc::{CHORE, parameters};
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change the schedule of garbage collection.
#[utoipa::path(
    put, path = "/api/v2.0/system/gc/schedule", tag = "gc", operation_id = "updateGCSchedule",
    request_body = Schedule,
    responses(
        (status = 200, description = "Done"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::gc) async fn update(
    State(app): State<App>,
    ctx: Context,
    Body(wanted): Body<Schedule>,
) -> Result<StatusCode> {
    chore::put(&app, &ctx, &CHORE, Action::Update, || {
        let wish = Wish::of(&wanted)?;
        let parameters = parameters::checked(&app, &wish, wanted.parameters.as_ref())?;
        Ok((wish, parameters))
    })
    .await?;
    Ok(StatusCode::OK)
}
