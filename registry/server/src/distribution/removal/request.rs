//! `DELETE manifests/<reference>` and `DELETE blobs/<digest>`.
//!
//! What something else still needs is not removed: a child of an index, a blob of a manifest. The answer is
//! 405 `UNSUPPORTED` (the specification's status for a deletion that a registry does not do) and says what
//! has to go first.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use slipway_model::policy::TagChange;
use slipway_model::{Digest, RepositoryName, Tag};
use sqlx::PgConnection;

use super::{Removal, remove_manifest, store};
use crate::distribution::content::{self, Place};
use crate::distribution::{admission, retry, settings};
use crate::error::{Code, Error, Result};
use crate::features::immutable;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::audit::{self, AuditEntry};
use crate::kernel::context::Context;
use crate::kernel::events;

/// Where something is to be removed, and by whom.
#[derive(Clone, Copy)]
struct Scene<'a> {
    app: &'a App,
    ctx: &'a Context,
    project: &'a ProjectScope,
    repository: &'a RepositoryName,
}

/// Removes a manifest and every tag on it.
pub(crate) async fn manifest(
    app: &App,
    ctx: &Context,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<()> {
    let scene = Scene {
        app,
        ctx,
        project,
        repository,
    };
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let (now, place) = (app.clock.now(), scene.place(&mut tx).await?);
        match remove_manifest(&mut tx, now, settings::grace(app), place, digest.as_str()).await? {
            Removal::Done { tags } => {
                let payload = json!({"repository": repository, "digest": digest, "tags": tags});
                scene
                    .tell(&mut tx, "artifact", format!("{repository}@{digest}"), payload)
                    .await?;
            }
            Removal::Absent => {
                let message = format!("there is no manifest {digest} in {repository}");
                return Err(Error::new(Code::ManifestUnknown, message));
            }
            Removal::ChildOf(parent) => return Err(needed(&format!("the index {parent}"), "GET, HEAD, PUT")),
            Removal::Held(hold) => return admission::immutable(Some(hold)),
        }
        tx.commit().await?;
        Ok(())
    })
}

/// Removes a tag; the manifest stays.
pub(crate) async fn tag(
    app: &App,
    ctx: &Context,
    project: &ProjectScope,
    repository: &RepositoryName,
    tag: &Tag,
) -> Result<()> {
    let scene = Scene {
        app,
        ctx,
        project,
        repository,
    };
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let place = scene.place(&mut tx).await?;
        let Some(digest) = store::delete_tag(&mut tx, place.repository_id, tag.as_str()).await? else {
            return Err(Error::new(
                Code::ManifestUnknown,
                format!("there is no tag {tag} in {repository}"),
            ));
        };
        admission::immutable(immutable::hold(&mut tx, place, &[tag.as_str()], TagChange::Delete).await?)?;
        let payload = json!({"repository": repository, "digest": digest, "tag": tag});
        scene
            .tell(&mut tx, "tag", format!("{repository}:{tag}"), payload)
            .await?;
        store::touch_repository(&mut tx, app.clock.now(), place.repository_id).await?;
        tx.commit().await?;
        Ok(())
    })
}

/// Takes a blob away from a repository; others that have it keep it.
pub(crate) async fn blob(
    app: &App,
    project: &ProjectScope,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<()> {
    let text = digest.to_string();
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let place = place(&mut tx, project, repository).await?;
        let links = store::lock_links(&mut tx, place.repository_id, std::slice::from_ref(&text)).await?;
        let Some(link) = links.first() else {
            return Err(Error::new(
                Code::BlobUnknown,
                format!("there is no blob {digest} in {repository}"),
            ));
        };
        if let Some(user) = store::user_of(&mut tx, place.repository_id, &text).await? {
            return Err(needed(&format!("the manifest {user}"), "GET, HEAD"));
        }
        store::delete_link(&mut tx, place.repository_id, &text).await?;
        if link.counted {
            content::uncount(&mut tx, project.id, std::slice::from_ref(&text)).await?;
        }
        let due = app.clock.now() + settings::grace(app);
        content::store::review(&mut tx, std::slice::from_ref(&text), due).await?;
        tx.commit().await?;
        Ok(())
    })
}

impl Scene<'_> {
    async fn place(&self, conn: &mut PgConnection) -> Result<Place> {
        place(conn, self.project, self.repository).await
    }

    /// Audit and event, in the same transaction.
    async fn tell(
        &self,
        conn: &mut PgConnection,
        what: &str,
        resource: String,
        mut payload: Value,
    ) -> Result<()> {
        let (now, project_id) = (self.app.clock.now(), Some(self.project.id));
        let entry = AuditEntry {
            project_id,
            description: format!("delete {what}: {resource}"),
            resource,
            resource_type: what.to_owned(),
            operation: "delete".to_owned(),
            success: true,
        };
        audit::record(conn, now, self.ctx, entry).await?;
        payload["by"] = json!(self.ctx.caller.name());
        events::publish(conn, now, project_id, &format!("{what}.deleted"), payload).await
    }
}

async fn place(
    conn: &mut PgConnection,
    project: &ProjectScope,
    repository: &RepositoryName,
) -> Result<Place> {
    match content::store::find_repository(conn, project.id, repository.as_str()).await? {
        Some(found) => Ok(Place {
            project_id: project.id,
            repository_id: found.id,
        }),
        None => Err(Error::new(
            Code::NameUnknown,
            format!("there is no repository {repository}"),
        )),
    }
}

fn needed(by: &str, allow: &'static str) -> Error {
    Error::new(
        Code::Unsupported,
        format!("{by} of this repository refers to it, remove that first"),
    )
    .with_status(StatusCode::METHOD_NOT_ALLOWED)
    .with_header(header::ALLOW, HeaderValue::from_static(allow))
}
