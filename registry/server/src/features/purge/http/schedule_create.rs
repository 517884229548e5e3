use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, Schedule};
use slipway_model::permission::Action;

use crate::error::Result;
use crate::features::chore::{self, Wish};
use crate::features::location;
use crate::features::purge::{CHORE, parameters};
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Run clearing of the audit log now (type Manual), by a schedule, or no longer by one (type None).
#[utoipa::path(
    post, path = "/api/v2.0/system/purgeaudit/schedule", tag = "purge", operation_id = "createPurgeSchedule",
    request_body = Schedule,
    responses(
        (status = 201, description = "Done; Location names the run, 0 where none was started"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::purge) async fn create(
    State(app): State<App>,
    ctx: Context,
    Body(wanted): Body<Schedule>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = chore::put(&app, &ctx, &CHORE, Action::Create, || {
        let wish = Wish::of(&wanted)?;
        let parameters = parameters::checked(&wish, wanted.parameters.as_ref())?;
        Ok((wish, parameters))
    })
    .await?;
    let location = location(&["system", "purgeaudit", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
