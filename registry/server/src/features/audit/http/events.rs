use axum::Json;
use axum::extract::State;
use slipway_api::{AuditLogEventType, ErrorBody};

use crate::error::Result;
use crate::features::audit::service;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// The kinds of events that the audit log knows.
#[utoipa::path(
    get, path = "/api/v2.0/auditlog-exts/events", tag = "auditlog", operation_id = "listAuditLogEventTypes",
    responses(
        (status = 200, body = Vec<AuditLogEventType>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
)]
pub(in crate::features::audit) async fn events(
    State(app): State<App>,
    ctx: Context,
) -> Result<Json<Vec<AuditLogEventType>>> {
    service::event_types(&app, &ctx).await.map(Json)
}
