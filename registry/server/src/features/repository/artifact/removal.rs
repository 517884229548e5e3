//! An artifact goes with all its tags, with what refers to it, and with the parts of an index that nothing
//! else holds.

use serde_json::json;
use slipway_model::permission::{Action, Resource};

use super::service::{find, not_found};
use super::store;
use crate::distribution::removal::{Removal, remove_manifest};
use crate::distribution::{retry, settings};
use crate::error::{Code, Error, Result};
use crate::features::repository::service::Address;
use crate::features::repository::tell::{News, tell};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Deletes an artifact by tag or digest.
pub(in crate::features::repository) async fn delete(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
) -> Result<()> {
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let (now, grace) = (app.clock.now(), settings::grace(app));
        let entered = address
            .enter(&mut tx, app, ctx, Resource::Artifact, Action::Delete)
            .await?;
        let site = entered.site().ok_or_else(|| not_found(address, reference))?;
        let first = find(&mut tx, site, address, reference).await?;
        let mut waiting = vec![(first.id, first.digest.clone())];
        while let Some((id, digest)) = waiting.pop() {
            let children: Vec<String> = store::children(&mut tx, &[id])
                .await?
                .into_iter()
                .map(|child| child.digest)
                .collect();
            let tags = match remove_manifest(&mut tx, now, grace, site.place(), &digest).await? {
                Removal::Done { tags } => tags,
                Removal::ChildOf(parent) if id == first.id => return Err(held(&digest, &parent)),
                Removal::Held(hold) => return Err(hold.refused()),
                Removal::ChildOf(_) | Removal::Absent => continue,
            };
            let news = News {
                project_id: site.project_id,
                what: "artifact",
                operation: "delete",
                resource: format!("{}@{digest}", site.repository),
                payload: json!({"repository": site.repository, "digest": digest, "tags": tags}),
            };
            tell(&mut tx, app, ctx, news).await?;
            let mut next = store::forsaken(&mut tx, site.repository_id, &children).await?;
            let referrers = store::accessories(&mut tx, &[site.repository_id], &[digest]).await?;
            next.extend(referrers.into_iter().map(|referrer| referrer.digest));
            for digest in next {
                if let Some(row) = store::find(&mut tx, site.repository_id, None, Some(&digest)).await? {
                    waiting.push((row.id, digest));
                }
            }
        }
        tx.commit().await?;
        Ok(())
    })
}

fn held(digest: &str, parent: &str) -> Error {
    let message =
        format!("the deleting artifact {digest} is referenced by the index {parent}, delete that first");
    Error::new(Code::ForeignKey, message)
}
