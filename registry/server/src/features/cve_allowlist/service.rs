//! What is done to the list.

use serde_json::json;
use slipway_api::CveAllowlist;

use super::{rules, store};
use crate::error::{Error, Result};
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// The list; it is empty as long as nobody has set it.
pub(super) async fn get(app: &App, ctx: &Context) -> Result<CveAllowlist> {
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let mut conn = app.pool.acquire().await?;
    let Some(row) = store::get(&mut conn).await? else {
        return Ok(CveAllowlist {
            items: Some(Vec::new()),
            ..CveAllowlist::default()
        });
    };
    Ok(CveAllowlist {
        id: 1,
        project_id: 0,
        expires_at: row.expires_at,
        items: Some(serde_json::from_value(row.items).map_err(Error::internal)?),
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
    })
}

/// Replaces the list.
pub(super) async fn replace(app: &App, ctx: &Context, list: CveAllowlist) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    standing::require_administrator(&mut tx, now, ctx).await?;
    let expires_at = list.expires_at;
    let items = rules::checked(list)?;
    store::put(&mut tx, now, &json!(items), expires_at).await?;
    let entry = AuditEntry {
        project_id: None,
        resource: "system".to_owned(),
        resource_type: "cve_allowlist".to_owned(),
        operation: "update".to_owned(),
        description: format!("update cve_allowlist: {} entries", items.len()),
        success: true,
    };
    audit::record(&mut tx, now, ctx, entry).await?;
    let payload = json!({"entries": items.len(), "expires_at": expires_at, "by": ctx.caller.name()});
    events::publish(&mut tx, now, None, "cve_allowlist.updated", payload).await?;
    tx.commit().await?;
    Ok(())
}
