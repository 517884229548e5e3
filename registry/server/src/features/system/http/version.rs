//! Which API is spoken: Harbor's replication picks its protocol by it.

use axum::Json;
use serde_json::{Value, json};

/// `v2.0`, as Harbor says it.
#[utoipa::path(get, path = "/api/version", tag = "systeminfo", operation_id = "getVersion", responses((status = 200, body = Object)))]
pub(in crate::features::system) async fn version() -> Json<Value> {
    Json(json!({"version": "v2.0"}))
}
