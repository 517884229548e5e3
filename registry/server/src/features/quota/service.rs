//! What is done to quotas.

use serde_json::json;
use slipway_api::{Quota, QuotaReference, ResourceList};
use slipway_model::permission::{Action, Resource};

use super::store::{self, Cut, QuotaRow};
use super::{checked_limit, storage};
use crate::error::{Code, Error, Result};
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::{events, standing};

/// Lists quotas.
pub(super) async fn list(
    app: &App,
    ctx: &Context,
    project_id: Option<i64>,
    cut: Cut,
) -> Result<(Vec<Quota>, i64)> {
    let mut conn = app.listing().await?;
    standing::require_system(&mut conn, app.clock.now(), ctx, Resource::Quota, Action::List).await?;
    let total = store::count(&mut conn, project_id).await?;
    let rows = store::list(&mut conn, project_id, &cut).await?;
    Ok((rows.into_iter().map(wire).collect(), total))
}

/// Reads one quota.
pub(super) async fn get(app: &App, ctx: &Context, id: i64) -> Result<Quota> {
    let mut conn = app.pool.acquire().await?;
    standing::require_system(&mut conn, app.clock.now(), ctx, Resource::Quota, Action::Read).await?;
    let cut = Cut {
        sort: "creation_time",
        down: false,
        limit: Some(1),
        offset: 0,
    };
    let row = store::list(&mut conn, Some(id), &cut).await?.into_iter().next();
    row.map(wire).ok_or_else(|| not_found(id))
}

/// Changes a limit; below the use is allowed.
pub(super) async fn update(app: &App, ctx: &Context, id: i64, hard: &ResourceList) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let now = app.clock.now();
    standing::require_system(&mut tx, now, ctx, Resource::Quota, Action::Update).await?;
    let limit = wanted(hard)?;
    let (project, before) = store::update(&mut tx, now, id, limit)
        .await?
        .ok_or_else(|| not_found(id))?;
    let entry = AuditEntry {
        project_id: Some(id),
        resource: project.clone(),
        resource_type: "quota".to_owned(),
        operation: "update".to_owned(),
        description: format!("update quota: {project} from {before} to {limit} bytes"),
        success: true,
    };
    audit::record(&mut tx, now, ctx, entry).await?;
    let payload = json!({"project": project, "storage": limit, "before": before, "by": ctx.caller.name()});
    events::publish(&mut tx, now, Some(id), "quota.updated", payload).await?;
    tx.commit().await?;
    Ok(())
}

fn wanted(hard: &ResourceList) -> Result<i64> {
    if let Some(other) = hard.keys().find(|resource| *resource != "storage") {
        return Err(Error::new(
            Code::BadRequest,
            format!("resource {other} not support"),
        ));
    }
    let limit = hard
        .get("storage")
        .ok_or_else(|| Error::new(Code::BadRequest, "hard required in body"))?;
    checked_limit(*limit)
}

fn wire(row: QuotaRow) -> Quota {
    Quota {
        id: row.project_id,
        reference: QuotaReference {
            id: row.project_id,
            name: row.project_name,
            owner_name: row.owner_name,
        },
        hard: storage(row.storage_limit),
        used: storage(row.used),
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
    }
}

fn not_found(id: i64) -> Error {
    Error::new(Code::NotFound, format!("quota {id} not found"))
}
