use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, MemberCreate};

use crate::error::Result;
use crate::features::location;
use crate::features::member::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Make a user or a group a member of a project.
#[utoipa::path(
    post, path = "/api/v2.0/projects/{project_name_or_id}/members", tag = "member",
    operation_id = "createProjectMember",
    params(("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header)),
    request_body = MemberCreate,
    responses(
        (status = 201, description = "Added; Location names the membership"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::member) async fn create(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
    Body(member): Body<MemberCreate>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = service::create(&app, &ctx, &project, member).await?;
    let location = location(&["projects", &project, "members", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
