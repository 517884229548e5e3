use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, ImmutableRule};

use crate::error::Result;
use crate::features::immutable::service;
use crate::features::location;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Add a rule for immutable tags.
#[utoipa::path(
    post, path = "/api/v2.0/projects/{project_name_or_id}/immutabletagrules", tag = "immutable",
    operation_id = "CreateImmuRule",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    request_body = ImmutableRule,
    responses(
        (status = 201, description = "Added; Location names the rule"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::immutable) async fn create(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    Body(rule): Body<ImmutableRule>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = service::create(&app, &ctx, &project, &rule).await?;
    let location = location(&["projects", &project, "immutabletagrules", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
