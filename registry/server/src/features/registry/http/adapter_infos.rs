use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use slipway_api::{ErrorBody, RegistryProviderInfo};

use crate::error::Result;
use crate::features::registry::adapters;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Say what is known beforehand about kinds of registries, by kind.
#[utoipa::path(
    get, path = "/api/v2.0/replication/adapterinfos", tag = "registry", operation_id = "listRegistryProviderInfos",
    responses(
        (status = 200, body = BTreeMap<String, RegistryProviderInfo>), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::registry) async fn list(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<BTreeMap<String, RegistryProviderInfo>>> {
    adapters::infos(&app, &ctx).await.map(Json)
}
