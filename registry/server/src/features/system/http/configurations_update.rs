//! Setting it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use slipway_api::ErrorBody;

use super::super::configure;
use crate::error::Result;
use crate::features::request::Body;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Change settings (administrators): those that are named, all of them or none. Names that are no settings are told in `Warning`.
#[utoipa::path(
    put, path = "/api/v2.0/configurations", tag = "configure", operation_id = "updateConfigurations",
    request_body(content = Object, description = "name and value of each setting that is to change"),
    responses(
        (status = 200, description = "Changed"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody),
    ),
)]
pub(in crate::features::system) async fn update(
    State(app): State<App>,
    ctx: Context,
    Body(wanted): Body<Map<String, Value>>,
) -> Result<(StatusCode, HeaderMap)> {
    let unknown = configure::change(&app, &ctx, wanted).await?;
    let mut headers = HeaderMap::new();
    if !unknown.is_empty() {
        let names: String = unknown
            .join(", ")
            .chars()
            .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\') || *c == ' ')
            .take(1024)
            .collect();
        tracing::warn!(names, "a change of settings named some that do not exist");
        let text = format!("299 slipway \"no setting has the name {names}\"");
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header::WARNING, value);
        }
    }
    Ok((StatusCode::OK, headers))
}
