use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, RetentionPolicy};

use crate::error::Result;
use crate::features::location;
use crate::features::request::Body;
use crate::features::retention::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Add a project's retention policy.
#[utoipa::path(
    post, path = "/api/v2.0/retentions", tag = "Retention", operation_id = "createRetention",
    request_body = RetentionPolicy,
    responses(
        (status = 201, description = "Added; Location names the policy"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn create(
    State(app): State<App>,
    ctx: Context,
    Body(policy): Body<RetentionPolicy>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = service::create(&app, &ctx, policy).await?;
    let location = location(&["retentions", &id.to_string()]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
