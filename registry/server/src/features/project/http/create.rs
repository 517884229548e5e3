use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, ProjectCreate};

use crate::error::Result;
use crate::features::location;
use crate::features::project::service;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

static NAME_IN_LOCATION: HeaderName = HeaderName::from_static("x-resource-name-in-location");

/// Create a project. The creator becomes its owner and first administrator.
#[utoipa::path(
    post, path = "/api/v2.0/projects", tag = "project", operation_id = "createProject",
    request_body = ProjectCreate,
    responses(
        (status = 201, description = "Created; Location names it"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn create(
    State(app): State<App>,
    ctx: Context,
    headers: HeaderMap,
    Body(project): Body<ProjectCreate>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let name = project.project_name.clone();
    let id = service::create(&app, &ctx, project).await?;
    let by_name = headers
        .get(&NAME_IN_LOCATION)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let last = if by_name { name } else { id.to_string() };
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location(&["projects", &last]))],
    ))
}
