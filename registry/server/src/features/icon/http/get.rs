use axum::Json;
use axum::extract::Path;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use slipway_api::{ErrorBody, Icon};

use crate::error::{Code, Error, Result};
use crate::features::icon::pictures;

/// Read the picture that an artifact's `icon` names.
#[utoipa::path(
    get, path = "/api/v2.0/icons/{digest}", tag = "icon", operation_id = "getIcon",
    params(("digest" = String, Path)),
    responses((status = 200, body = Icon), (status = 404, body = ErrorBody)),
)]
pub(in crate::features::icon) async fn get(Path(digest): Path<String>) -> Result<Json<Icon>> {
    let picture = pictures::find(&digest)
        .ok_or_else(|| Error::new(Code::NotFound, format!("there is no icon {digest}")))?;
    Ok(Json(Icon {
        content_type: "image/svg+xml".to_owned(),
        content: STANDARD.encode(picture),
    }))
}
