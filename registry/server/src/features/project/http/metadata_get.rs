use axum::Json;
use axum::extract::{Path, State};
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::project::metadata::{Metadata, service};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Read one setting of a project; an empty object where it was never set.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name_or_id}/metadatas/{meta_name}", tag = "projectMetadata",
    operation_id = "getProjectMetadata",
    params(
        ("project_name_or_id" = String, Path), ("meta_name" = String, Path), ("X-Is-Resource-Name" = Option<bool>, Header),
    ),
    responses(
        (status = 200, body = HashMap<String, String>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::project) async fn get(
    State(app): State<App>,
    ctx: Context,
    Path((project, name)): Path<(String, String)>,
) -> Result<Json<Metadata>> {
    service::get(&app, &ctx, &project, &name).await.map(Json)
}
