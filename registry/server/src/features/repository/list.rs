//! Lists of repositories.

use slipway_api::{Repository, SearchRepository};
use slipway_model::permission::{Action, Resource};

use super::store::{self, Cut, RepositoryRow, Wanted};
use super::wire;
use crate::error::Result;
use crate::features::request::query::{TextFilter, holds};
use crate::features::sight::Sight;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Lists a project's repositories.
pub(super) async fn of_project(
    app: &App,
    ctx: &Context,
    project: &str,
    name: TextFilter,
    cut: Cut,
) -> Result<(Vec<Repository>, i64)> {
    let mut conn = app.listing().await?;
    let ctx = Context {
        names_only: true,
        ..ctx.clone()
    };
    let now = app.clock.now();
    let scope = standing::require(&mut conn, now, &ctx, project, Resource::Repository, Action::List).await?;
    let sight = Sight {
        all: true,
        ..Sight::default()
    };
    let wanted = Wanted {
        project_id: Some(scope.id),
        sight,
        name,
    };
    let total = store::count(&mut conn, &wanted).await?;
    let rows = store::list(&mut conn, &wanted, &cut).await?;
    Ok((rows.into_iter().map(wire::repository).collect(), total))
}

/// Lists the repositories that the caller sees.
pub(super) async fn of_all(
    app: &App,
    ctx: &Context,
    name: TextFilter,
    cut: Cut,
) -> Result<(Vec<Repository>, i64)> {
    let (rows, total) = seen(app, ctx, name, cut).await?;
    Ok((rows.into_iter().map(wire::repository).collect(), total))
}

/// Finds repositories by a part of their names.
pub(in crate::features) async fn search(
    app: &App,
    ctx: &Context,
    part: &str,
    most: i64,
) -> Result<Vec<SearchRepository>> {
    let name = TextFilter {
        any: None,
        pattern: Some(holds(part)),
    };
    let cut = Cut {
        sort: "name",
        down: false,
        limit: Some(most),
        offset: 0,
    };
    let (rows, _) = seen(app, ctx, name, cut).await?;
    let found = rows.into_iter().map(|row| SearchRepository {
        project_id: row.project_id,
        project_name: row.project_name,
        project_public: row.public,
        repository_name: row.name,
        pull_count: row.pull_count,
        artifact_count: row.artifact_count,
    });
    Ok(found.collect())
}

async fn seen(app: &App, ctx: &Context, name: TextFilter, cut: Cut) -> Result<(Vec<RepositoryRow>, i64)> {
    let mut conn = app.listing().await?;
    let sight = Sight::of_repositories(&mut conn, app.clock.now(), ctx).await?;
    let wanted = Wanted {
        project_id: None,
        sight,
        name,
    };
    let total = store::count(&mut conn, &wanted).await?;
    Ok((store::list(&mut conn, &wanted, &cut).await?, total))
}
