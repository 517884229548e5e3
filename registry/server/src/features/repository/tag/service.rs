//! An artifact's tags.

use serde_json::json;
use slipway_api::Tag;
use slipway_model::Tag as TagName;
use slipway_model::permission::{Action, Resource};
use slipway_model::policy::TagChange;

use super::store::{self, Cut};
use crate::error::{Code, Error, Result};
use crate::features::immutable::{self, Guard};
use crate::features::repository::artifact::service::{find, not_found};
use crate::features::repository::service::Address;
use crate::features::repository::tell::{News, tell};
use crate::features::repository::wire;
use crate::features::request::query::TextFilter;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Lists an artifact's tags.
pub(in crate::features::repository) async fn list(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    name: TextFilter,
    with_immutable: bool,
    cut: Cut<'_>,
) -> Result<(Vec<Tag>, i64)> {
    let mut conn = app.listing().await?;
    let entered = address
        .enter(&mut conn, app, ctx, Resource::Tag, Action::List)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let artifact = find(&mut conn, site, address, reference).await?;
    let total = store::count(&mut conn, artifact.id, &name).await?;
    let rows = store::list(&mut conn, artifact.id, &name, &cut).await?;
    let mut tags: Vec<Tag> = rows.into_iter().map(wire::tag).collect();
    if with_immutable {
        let guard = Guard::of(&mut conn, site.project_id).await?;
        for tag in &mut tags {
            tag.immutable = guard.is_immutable(site.repository, &tag.name);
        }
    }
    Ok((tags, total))
}

/// Sets a new tag on an artifact. One that the repository has is not moved.
pub(in crate::features::repository) async fn create(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    name: &str,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let entered = address
        .enter(&mut tx, app, ctx, Resource::Tag, Action::Create)
        .await?;
    if TagName::parse(name).is_err() {
        return Err(Error::new(
            Code::BadRequest,
            format!("bad request: invalid tag name: {name}"),
        ));
    }
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let artifact = find(&mut tx, site, address, reference).await?;
    if !store::insert(&mut tx, app.clock.now(), site.repository_id, artifact.id, name).await? {
        let message = format!(
            "tag {name} already exists under the repository {}",
            site.repository_id
        );
        return Err(Error::new(Code::Conflict, message));
    }
    let news = News {
        project_id: site.project_id,
        what: "tag",
        operation: "create",
        resource: format!("{}:{name}", site.repository),
        payload: json!({"repository": site.repository, "digest": artifact.digest, "tag": name}),
    };
    tell(&mut tx, app, ctx, news).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a tag from an artifact; the artifact stays.
pub(in crate::features::repository) async fn delete(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    name: &str,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let entered = address
        .enter(&mut tx, app, ctx, Resource::Tag, Action::Delete)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let artifact = find(&mut tx, site, address, reference).await?;
    if !store::delete(&mut tx, artifact.id, name).await? {
        let message = format!("tag {name} attached to artifact {} not found", artifact.id);
        return Err(Error::new(Code::NotFound, message));
    }
    if let Some(hold) = immutable::hold(&mut tx, site.place(), &[name], TagChange::Delete).await? {
        return Err(hold.refused());
    }
    let news = News {
        project_id: site.project_id,
        what: "tag",
        operation: "delete",
        resource: format!("{}:{name}", site.repository),
        payload: json!({"repository": site.repository, "digest": artifact.digest, "tag": name}),
    };
    tell(&mut tx, app, ctx, news).await?;
    tx.commit().await?;
    Ok(())
}
