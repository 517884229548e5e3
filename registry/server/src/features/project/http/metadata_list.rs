use axum::Json;
use axum::extract::{Path, State};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::project::metadata::{Metadata, service};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read all settings of a project.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/metadatas", tag = "projectMetadata",
    operation_id = "listProjectMetadatas",
    params(
        ("project_name_or_id" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    responses(
        (status = 200, body = HashMap<String, String>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path(project): Path<String>,
) -> Result<Json<Metadata>> {
    service::list(&app, &ctx, &project).await.map(Json)
}
