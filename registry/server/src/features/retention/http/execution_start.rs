use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use slipway_api::{ErrorBody, RetentionStart};

use crate::error::Result;
use crate::features::location;
use crate::features::request::{Body, PathId};
use crate::features::retention::run;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Run a retention policy; with `dry_run` only tell what would be deleted.
#[utoipa::path(
    post, path = "/api/v2.0/retentions/{id}/executions", tag = "Retention",
    operation_id = "triggerRetentionExecution",
    params(("id" = i64, Path)),
    request_body = RetentionStart,
    responses(
        (status = 200, description = "Never used; Harbor's clients know it"),
        (status = 201, description = "Started; Location names the run"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::retention) async fn start(
    State(app): State<App>,
    ctx: Context,
    Path(id): Path<PathId>,
    Body(body): Body<RetentionStart>,
) -> Result<(StatusCode, [(HeaderName, String); 1])> {
    let id = id.get("id")?;
    let execution = run::start(&app, &ctx, id, body).await?;
    let location = location(&[
        "retentions",
        &id.to_string(),
        "executions",
        &execution.to_string(),
    ]);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]))
}
