use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, UserGroup};

use crate::error::Result;
use crate::features::location;
use crate::features::request::Body;
use crate::features::usergroup::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Make a group known.
#[utoipa::path(
    post, path = "/api/v2.0/usergroups", tag = "usergroup", operation_id = "createUserGroup",
    request_body = UserGroup,
    responses(
        (status = 201, description = "Created; Location names it"), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::usergroup) async fn create(
    State(app): State<App>,
    ctx: Context,
    Body(group): Body<UserGroup>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = service::create(&app, &ctx, &group).await?;
    let location = location(&["usergroups", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
