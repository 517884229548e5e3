//! One repository: read, describe, delete; and how a path leads to a place.

use serde_json::json;
use slipway_api::Repository;
use slipway_model::RepositoryName;
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::store::{self, Cut, Wanted};
use super::tell::{News, tell};
use super::wire::Site;
use super::{tag, wire};
use crate::distribution::content::Place;
use crate::distribution::{removal, retry, settings};
use crate::error::{Code, Error, Result};
use crate::features::request::query::TextFilter;
use crate::features::request::repository_name;
use crate::features::sight::Sight;
use crate::kernel::access::ProjectScope;
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// Most tags that the event of a repository's deletion names.
const MOST_TAGS: i64 = 1000;

/// A repository in a path: project and name as they stand there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) project: &'a str,
    pub(super) repository: &'a str,
}

/// A repository in which the caller may do what he wants.
pub(super) struct Entered {
    pub(super) project: ProjectScope,
    /// None: there is no such repository.
    pub(super) repository: Option<(RepositoryName, i64)>,
}

impl Address<'_> {
    /// Goes into the repository, if the caller may do this there.
    pub(super) async fn enter(
        self,
        conn: &mut PgConnection,
        app: &App,
        ctx: &Context,
        resource: Resource,
        action: Action,
    ) -> Result<Entered> {
        // These paths take names only.
        let ctx = Context {
            names_only: true,
            ..ctx.clone()
        };
        let project = standing::require(conn, app.clock.now(), &ctx, self.project, resource, action).await?;
        let Some(name) = repository_name(&project.name, self.repository) else {
            return Ok(Entered {
                project,
                repository: None,
            });
        };
        let id = store::id(conn, project.id, name.as_str()).await?;
        Ok(Entered {
            project,
            repository: id.map(|id| (name, id)),
        })
    }

    /// The answer where there is no such repository.
    pub(super) fn not_found(self) -> Error {
        Error::new(Code::NotFound, format!("repository {self} not found"))
    }
}

impl std::fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let repository = crate::features::request::decode_again(self.repository);
        write!(f, "{}/{repository}", self.project)
    }
}

impl Entered {
    /// Where the repository is; `None`: nowhere.
    pub(super) fn site(&self) -> Option<Site<'_>> {
        let (repository, repository_id) = self.repository.as_ref()?;
        Some(Site {
            project_id: self.project.id,
            repository_id: *repository_id,
            repository,
        })
    }
}

impl Site<'_> {
    /// The place, as the distribution API names it.
    pub(super) fn place(&self) -> Place {
        Place {
            project_id: self.project_id,
            repository_id: self.repository_id,
        }
    }
}

/// Reads a repository.
pub(super) async fn get(app: &App, ctx: &Context, address: Address<'_>) -> Result<Repository> {
    let mut conn = app.pool.acquire().await?;
    let entered = address
        .enter(&mut conn, app, ctx, Resource::Repository, Action::Read)
        .await?;
    let site = entered.site().ok_or_else(|| address.not_found())?;
    let wanted = Wanted {
        project_id: Some(site.project_id),
        sight: Sight {
            all: true,
            ..Sight::default()
        },
        name: TextFilter {
            any: Some(vec![site.repository.to_string()]),
            pattern: None,
        },
    };
    let cut = Cut {
        sort: "name",
        down: false,
        limit: Some(1),
        offset: 0,
    };
    let row = store::list(&mut conn, &wanted, &cut).await?.into_iter().next();
    row.map(wire::repository).ok_or_else(|| address.not_found())
}

/// Changes a repository's description.
pub(super) async fn describe(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    description: &str,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let entered = address
        .enter(&mut tx, app, ctx, Resource::Repository, Action::Update)
        .await?;
    let site = entered.site().ok_or_else(|| address.not_found())?;
    store::describe(&mut tx, app.clock.now(), site.repository_id, description).await?;
    let news = News {
        project_id: site.project_id,
        what: "repository",
        operation: "update",
        resource: site.repository.to_string(),
        payload: json!({"repository": site.repository}),
    };
    tell(&mut tx, app, ctx, news).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a repository and all that is in it.
pub(super) async fn delete(app: &App, ctx: &Context, address: Address<'_>) -> Result<()> {
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let entered = address
            .enter(&mut tx, app, ctx, Resource::Repository, Action::Delete)
            .await?;
        let site = entered.site().ok_or_else(|| address.not_found())?;
        if let Some(hold) = removal::held_tag(&mut tx, site.place()).await? {
            return Err(hold.refused());
        }
        let tags = tag::store::names(&mut tx, site.repository_id, MOST_TAGS).await?;
        removal::remove_repository(&mut tx, app.clock.now(), settings::grace(app), site.place()).await?;
        let news = News {
            project_id: site.project_id,
            what: "repository",
            operation: "delete",
            resource: site.repository.to_string(),
            payload: json!({"repository": site.repository, "tags": tags}),
        };
        tell(&mut tx, app, ctx, news).await?;
        tx.commit().await?;
        Ok(())
    })
}
