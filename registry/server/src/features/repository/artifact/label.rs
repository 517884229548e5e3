//! Labels on an artifact.

use serde_json::json;
use slipway_model::permission::{Action, Resource};

use super::service::{find, not_found};
use super::store;
use crate::error::Result;
use crate::features::label;
use crate::features::repository::service::Address;
use crate::features::repository::tell::{News, tell};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Puts a label on an artifact.
pub(in crate::features::repository) async fn add(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    label_id: i64,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let entered = address
        .enter(&mut tx, app, ctx, Resource::ArtifactLabel, Action::Create)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let artifact = find(&mut tx, site, address, reference).await?;
    if !store::hold(&mut tx, artifact.id).await? {
        return Err(not_found(address, reference));
    }
    let name = label::mark(&mut tx, site.project_id, artifact.id, label_id).await?;
    let news = News {
        project_id: site.project_id,
        what: "artifact_label",
        operation: "create",
        resource: format!("{}@{}", site.repository, artifact.digest),
        payload: json!({"repository": site.repository, "digest": artifact.digest, "label": name}),
    };
    tell(&mut tx, app, ctx, news).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a label from an artifact.
pub(in crate::features::repository) async fn remove(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    label_id: i64,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let entered = address
        .enter(&mut tx, app, ctx, Resource::ArtifactLabel, Action::Delete)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let artifact = find(&mut tx, site, address, reference).await?;
    label::unmark(&mut tx, artifact.id, label_id).await?;
    let news = News {
        project_id: site.project_id,
        what: "artifact_label",
        operation: "delete",
        resource: format!("{}@{}", site.repository, artifact.digest),
        payload: json!({"repository": site.repository, "digest": artifact.digest, "label_id": label_id}),
    };
    tell(&mut tx, app, ctx, news).await?;
    tx.commit().await?;
    Ok(())
}
