//! The audit log: written in the transaction of what it tells.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::context::Context;
use super::store;
use crate::error::Result;

/// One line of the audit log.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditEntry {
    /// The project it happened in, if any.
    pub(crate) project_id: Option<i64>,
    /// What it happened to: `p/r:tag`, `p/r@sha256:…`, a project's or user's name.
    pub(crate) resource: String,
    /// Harbor's word: `artifact`, `project`, `tag`, `repository`, `robot`, `user`, `member`, `configuration`.
    pub(crate) resource_type: String,
    /// Harbor's word: `create`, `delete`, `update`, `pull`, `login`.
    pub(crate) operation: String,
    /// A sentence for people, such as `push artifact: p/r@sha256:…`.
    pub(crate) description: String,
    /// Did it work?
    pub(crate) success: bool,
}

/// Writes the line.
pub(crate) async fn record(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    ctx: &Context,
    entry: AuditEntry,
) -> Result<()> {
    store::audit_insert(conn, now, ctx, &entry).await?;
    Ok(())
}
