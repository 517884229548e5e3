//! The certificate of the authority that clients have to trust.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use slipway_api::ErrorBody;

use crate::error::{Code, Error, Result};
use crate::features::system::authority;
use crate::kernel::app::App;

/// The certificate of the authority that signed the registry's own, where the setting `external_ca_file` names it.
#[utoipa::path(
    get, path = "/api/v2.0/systeminfo/getcert", tag = "systeminfo", operation_id = "getCert",
    responses(
        (status = 200, body = String, content_type = "application/octet-stream"),
        (status = 404, body = ErrorBody, description = "There is none"),
    ),
)]
pub(in crate::features::system) async fn certificate(State(app): State<App>) -> Result<Response> {
    let certificates = authority::certificates(&app.config).await?.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "resource not found: there is no certificate to download",
        )
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=ca.crt"),
    ];
    Ok((headers, certificates).into_response())
}
