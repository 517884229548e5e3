//! Copies an artifact from another repository.

use slipway_model::permission::{Action, Resource};
use slipway_model::{Reference, RepositoryName};
use sqlx::PgConnection;

use super::store;
use crate::distribution::content::Place;
use crate::distribution::copy::{Order, Tags, copy as copy_manifest};
use crate::distribution::retry;
use crate::error::{Code, Error, Result};
use crate::features::repository::service::Address;
use crate::features::repository::store::id;
use crate::features::request::{decode_again, repository_name};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::standing;

/// What is copied: `project/repository:tag` or `project/repository@digest`.
#[derive(Debug, Clone)]
pub(in crate::features::repository) struct Source {
    text: String,
    repository: RepositoryName,
    reference: Reference,
}

impl Source {
    /// Reads it.
    pub(in crate::features::repository) fn parse(text: &str) -> Result<Self> {
        let (name, reference) = text
            .split_once('@')
            .or_else(|| text.rsplit_once(':'))
            .ok_or_else(|| malformed(text))?;
        let repository = RepositoryName::parse(name).map_err(|_| malformed(text))?;
        let reference = Reference::parse(reference).map_err(|_| malformed(text))?;
        Ok(Self {
            text: text.to_owned(),
            repository,
            reference,
        })
    }

    /// The tag or digest.
    pub(in crate::features::repository) fn reference(&self) -> String {
        self.reference.to_string()
    }

    /// The answer where it is not there, or not for the caller.
    fn absent(&self) -> Error {
        bad(format!("artifact {} not found", self.text))
    }
}

/// Copies an artifact with its parts and with what refers to it into a repository, which is made where it is not
/// there. A copy by tag sets that tag; one by digest sets those tags of the source that are free. `all_tags` sets
/// all of them, wherever they stand now.
pub(in crate::features::repository) async fn copy(
    app: &App,
    ctx: &Context,
    target: Address<'_>,
    source: &Source,
    all_tags: bool,
) -> Result<()> {
    // These paths take names only.
    let ctx = &Context {
        names_only: true,
        ..ctx.clone()
    };
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        let now = app.clock.now();
        let (resource, action) = (Resource::Artifact, Action::Create);
        let project = standing::require(&mut tx, now, ctx, target.project, resource, action).await?;
        let repository = repository_name(&project.name, target.repository).ok_or_else(|| {
            bad(format!(
                "{} is no name of a repository",
                decode_again(target.repository)
            ))
        })?;
        let (place, digest) = find(&mut tx, app, ctx, source).await?;
        let tags = match &source.reference {
            _ if all_tags => Tags::All,
            Reference::Tag(tag) => Tags::One(tag.as_str()),
            Reference::Digest(_) => Tags::Free,
        };
        let order = Order {
            source: place,
            source_name: &source.repository,
            digest: &digest,
            project_id: project.id,
            repository: &repository,
            tags,
        };
        if !copy_manifest(&mut tx, app, ctx, &order).await? {
            return Err(source.absent());
        }
        tx.commit().await?;
        Ok(())
    })
}

/// Where the source is and which digest it has, if the caller may read and pull it. Otherwise it is answered as
/// one that does not exist.
async fn find(conn: &mut PgConnection, app: &App, ctx: &Context, source: &Source) -> Result<(Place, String)> {
    let name = &source.repository;
    let (project, standing) = standing::in_project(conn, app.clock.now(), &ctx.caller, name.project())
        .await?
        .ok_or_else(|| source.absent())?;
    let may = |resource, action| standing.allows(&project, resource, action);
    if !(may(Resource::Artifact, Action::Read) && may(Resource::Repository, Action::Pull)) {
        return Err(source.absent());
    }
    let repository_id = id(conn, project.id, name.as_str())
        .await?
        .ok_or_else(|| source.absent())?;
    let (tag, digest) = match &source.reference {
        Reference::Tag(tag) => (Some(tag.as_str()), None),
        Reference::Digest(digest) => (None, Some(digest.as_str())),
    };
    let artifact = store::find(conn, repository_id, tag, digest)
        .await?
        .ok_or_else(|| source.absent())?;
    if store::refers(conn, artifact.id).await? {
        let message = format!(
            "{} refers to another artifact and is copied with that",
            source.text
        );
        return Err(Error::new(Code::Forbidden, message));
    }
    let place = Place {
        project_id: project.id,
        repository_id,
    };
    Ok((place, artifact.digest))
}

fn malformed(text: &str) -> Error {
    bad(format!(
        "from is {text:?}, it is project/repository:tag or project/repository@digest"
    ))
}

fn bad(message: String) -> Error {
    Error::new(Code::BadRequest, message)
}
