//! The artifacts of all repositories of a project.

mod store;

use std::collections::BTreeSet;

use slipway_api::Artifact;
use slipway_model::RepositoryName;
use slipway_model::permission::{Action, Resource};

pub(in crate::features::repository) use self::store::Scope;
use super::service::{With, dressed};
use super::store::Wanted;
use crate::error::{Code, Error, Result};
use crate::features::repository::store::Cut;
use crate::features::repository::wire::Site;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Lists them. Nobody without an account may, not even of a public project, as in Harbor.
pub(in crate::features::repository) async fn list(
    app: &App,
    ctx: &Context,
    project: &str,
    (scope, wanted): (Scope, Wanted),
    with: With,
    cut: Cut,
) -> Result<(Vec<Artifact>, i64)> {
    if ctx.caller.is_anonymous() {
        return Err(standing::refused(&ctx.caller));
    }
    let mut conn = app.listing().await?;
    let now = app.clock.now();
    let project = standing::require(&mut conn, now, ctx, project, Resource::Artifact, Action::List).await?;
    if scope.latest && wanted.media_type.is_some() == wanted.artifact_type.is_some() {
        let message = "latest_in_repository needs either media_type or artifact_type in q, and not both";
        return Err(Error::new(Code::BadRequest, message));
    }
    let total = store::count(&mut conn, project.id, &scope, &wanted).await?;
    let found = store::list(&mut conn, project.id, &scope, &wanted, &cut).await?;
    let names: BTreeSet<(i64, String)> = found
        .iter()
        .map(|found| (found.repository_id, found.repository.clone()))
        .collect();
    let names: Result<Vec<(i64, RepositoryName)>> = names
        .into_iter()
        .map(|(id, name)| Ok((id, RepositoryName::parse(&name).map_err(Error::internal)?)))
        .collect();
    let names = names?;
    let mut rows = Vec::new();
    for found in found {
        if let Some((repository_id, repository)) = names.iter().find(|(id, _)| *id == found.repository_id) {
            let site = Site {
                project_id: project.id,
                repository_id: *repository_id,
                repository,
            };
            rows.push((site, found.into_artifact()));
        }
    }
    Ok((dressed(&mut conn, project.id, rows, with).await?, total))
}
