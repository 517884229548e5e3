use axum::Json;
use axum::extract::{Path, State};
use slipway_api::{ErrorBody, OwnerMark};

use crate::error::Result;
use crate::features::project::owner::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Slipway's own: which object declares the project; null where none does.
#[utoipa::path(
    get, path = "/api/slipway/v1/projects/{name}/owner", tag = "slipway", operation_id = "getProjectOwner",
    params(("name" = String, Path)),
    responses(
        (status = 200, body = Option<OwnerMark>),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
) -> Result<Json<Option<OwnerMark>>> {
    service::get(&app, &ctx, &project).await.map(Json)
}
