//! Audit and event, in the transaction of the change.

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::events;

/// What was done to what.
pub(super) struct News<'a> {
    pub(super) project_id: i64,
    /// `repository`, `artifact` or `tag`.
    pub(super) what: &'a str,
    /// `create`, `update` or `delete`.
    pub(super) operation: &'a str,
    pub(super) resource: String,
    pub(super) payload: Value,
}

/// Writes both.
pub(super) async fn tell(conn: &mut PgConnection, app: &App, ctx: &Context, news: News<'_>) -> Result<()> {
    let News {
        project_id,
        what,
        operation,
        resource,
        mut payload,
    } = news;
    let (now, project_id) = (app.clock.now(), Some(project_id));
    let entry = AuditEntry {
        project_id,
        description: format!("{operation} {what}: {resource}"),
        resource,
        resource_type: what.to_owned(),
        operation: operation.to_owned(),
        success: true,
    };
    audit::record(conn, now, ctx, entry).await?;
    payload["by"] = json!(ctx.caller.name());
    events::publish(conn, now, project_id, &format!("{what}.{operation}d"), payload).await
}
