//! `POST blobs/uploads/?mount=&from=`: a blob that another repository has.

use slipway_model::{Digest, RepositoryName};

use super::PushTarget;
use crate::distribution::content::{self, Lease};
use crate::distribution::settings::LEASE;
use crate::distribution::{gate, retry};
use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Most repositories that are looked at when the client names none.
const CANDIDATES: i64 = 20;

/// Links the blob, if the caller may pull it from the repository that he names, or from some other where
/// he names none. False where not: then the client uploads, and cannot tell a blob that is not there from
/// one that he may not see.
pub(crate) async fn mount(
    app: &App,
    ctx: &Context,
    target: PushTarget<'_>,
    digest: &Digest,
    from: Option<&str>,
) -> Result<bool> {
    let sources = match from {
        Some(name) => RepositoryName::parse(name).into_iter().collect(),
        None => candidates(app, ctx, target, digest).await?,
    };
    for source in sources {
        if gate::may_pull(app, ctx, &source).await? && link(app, target, digest, &source).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where to look when no source is named: in the target's project, in public ones, and in what the token names.
async fn candidates(
    app: &App,
    ctx: &Context,
    target: PushTarget<'_>,
    digest: &Digest,
) -> Result<Vec<RepositoryName>> {
    let scopes = ctx.token.iter().flat_map(|scopes| scopes.iter());
    let named: Vec<String> = scopes.map(|scope| scope.name.clone()).collect();
    let project = target.project.id;
    let mut conn = app.pool.acquire().await?;
    let names =
        content::store::repositories_with(&mut conn, digest.as_str(), project, &named, CANDIDATES).await?;
    Ok(names
        .iter()
        .filter_map(|name| RepositoryName::parse(name).ok())
        .collect())
}

async fn link(app: &App, target: PushTarget<'_>, digest: &Digest, source: &RepositoryName) -> Result<bool> {
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let lease = Lease::new(app.clock.now(), LEASE);
        let Some(blob) = content::store::lock_blob(&mut tx, digest).await? else {
            return Ok(false);
        };
        if !content::store::lock_link(&mut tx, source.as_str(), digest.as_str()).await? {
            return Ok(false);
        }
        let project_id = target.project.id;
        let name = target.repository.as_str();
        let place = content::ensure_repository(&mut tx, lease.now(), project_id, name).await?;
        content::grant(&mut tx, lease, place, digest, blob.size).await?;
        tx.commit().await?;
        Ok(true)
    })
}
