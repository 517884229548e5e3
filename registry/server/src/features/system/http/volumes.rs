//! How full the disk is.

use axum::Json;
use axum::extract::State;
use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};
use slipway_model::permission::{Action, Resource};

use crate::config::StorageConfig;
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Size and free space of the file system that the blobs lie on; zeros where they lie elsewhere.
#[utoipa::path(get, path = "/api/v2.0/systeminfo/volumes", tag = "systeminfo", operation_id = "getVolumes", responses((status = 200, body = Object)))]
pub(in crate::features::system) async fn volumes(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Value>> {
    {
        let mut conn = app.pool.acquire().await?;
        standing::require_system(
            &mut conn,
            app.clock.now(),
            &ctx,
            Resource::SystemVolumes,
            Action::Read,
        )
        .await?;
    }
    let (total, free) = match &app.config.storage {
        Some(StorageConfig::Filesystem { path }) => {
            let path = path.clone();
            let stat = tokio::task::spawn_blocking(move || statvfs(&path))
                .await
                .map_err(Error::internal)?;
            let stat = stat.map_err(Error::unavailable)?;
            (
                stat.blocks() * stat.fragment_size(),
                stat.blocks_available() * stat.fragment_size(),
            )
        }
        _ => (0, 0),
    };
    Ok(Json(json!({"storage": [{"total": total, "free": free}]})))
}
