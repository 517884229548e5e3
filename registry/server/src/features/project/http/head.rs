use axum::extract::State;
use axum::http::StatusCode;

use crate::error::Result;
use crate::features::project::service;
use crate::features::request::Params;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Does a project of this name exist? One that the caller does not see does not.
#[utoipa::path(
    head, path = "/api/v2.0/projects", tag = "project", operation_id = "headProject",
    params(("project_name" = String, Query)),
    responses((status = 200, description = "Yes"), (status = 401), (status = 404, description = "No")),
)]
pub(in crate::features::project) async fn head(
    State(app): State<App>,
    ctx: Context,
    params: Params,
) -> Result<StatusCode> {
    service::exists(&app, &ctx, params.required("project_name")?).await?;
    Ok(StatusCode::OK)
}
