use axum::Json;
use axum::extract::State;
use slipway_api::ErrorBody;

use crate::error::Result;
use crate::features::registry::adapters;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// List the kinds of registries that can be spoken to.
#[utoipa::path(
    get, path = "/api/v2.0/replication/adapters", tag = "registry", operation_id = "listRegistryProviderTypes",
    responses(
        (status = 200, body = Vec<String>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn list(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Vec<String>>> {
    adapters::names(&app, &ctx).await.map(Json)
}
