//! Artifacts: lists, one of them, what hangs on it.

use std::collections::HashMap;

use slipway_api::{Accessory, Artifact, BuildHistory};
use slipway_model::Reference;
use slipway_model::permission::{Action, Resource};
use sqlx::PgConnection;

use super::kind;
use super::store::{self, AccessoriesWanted, ArtifactRow, Wanted};
use crate::error::{Code, Error, Result};
use crate::features::immutable::Guard;
use crate::features::label;
use crate::features::repository::service::Address;
use crate::features::repository::store::Cut;
use crate::features::repository::tag;
use crate::features::repository::wire::{self, Site};
use crate::kernel::app::App;
use crate::kernel::context::Context;

/// Most tags that an artifact is answered with; the list of its tags has them all.
const MOST_TAGS: i64 = 1000;

/// What an artifact is answered with.
#[derive(Debug, Clone, Copy)]
pub(in crate::features::repository) struct With {
    pub(in crate::features::repository) tags: bool,
    pub(in crate::features::repository) labels: bool,
    pub(in crate::features::repository) accessories: bool,
    /// The signatures of the indexes that it is a part of.
    pub(in crate::features::repository) inherited: bool,
    /// Whether a rule holds each of the tags.
    pub(in crate::features::repository) immutable: bool,
}

/// Lists a repository's artifacts; of one that does not exist there are none.
pub(in crate::features::repository) async fn list(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    wanted: Wanted,
    with: With,
    cut: Cut,
) -> Result<(Vec<Artifact>, i64)> {
    let mut conn = app.listing().await?;
    let entered = address
        .enter(&mut conn, app, ctx, Resource::Artifact, Action::List)
        .await?;
    let Some(site) = entered.site() else {
        return Ok((Vec::new(), 0));
    };
    let total = store::count(&mut conn, site.repository_id, &wanted).await?;
    let rows = store::list(&mut conn, site.repository_id, &wanted, &cut).await?;
    let rows = rows.into_iter().map(|row| (site, row)).collect();
    Ok((dressed(&mut conn, site.project_id, rows, with).await?, total))
}

/// Reads an artifact.
pub(in crate::features::repository) async fn get(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    with: With,
) -> Result<Artifact> {
    let mut conn = app.pool.acquire().await?;
    let entered = address
        .enter(&mut conn, app, ctx, Resource::Artifact, Action::Read)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let row = find(&mut conn, site, address, reference).await?;
    let artifact = dressed(&mut conn, site.project_id, vec![(site, row)], with)
        .await?
        .into_iter()
        .next();
    artifact.ok_or_else(|| not_found(address, reference))
}

/// Lists what refers to an artifact.
pub(in crate::features::repository) async fn accessories(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    wanted: &AccessoriesWanted<'_>,
) -> Result<(Vec<Accessory>, i64)> {
    let mut conn = app.listing().await?;
    let entered = address
        .enter(&mut conn, app, ctx, Resource::Accessory, Action::List)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let row = find(&mut conn, site, address, reference).await?;
    let total = store::count_accessories(&mut conn, site.repository_id, &row.digest, wanted).await?;
    let rows = store::list_accessories(&mut conn, site.repository_id, &row.digest, wanted).await?;
    Ok((
        rows.into_iter()
            .map(|row| wire::accessory(site.repository, row))
            .collect(),
        total,
    ))
}

/// How an image was built, as its config says.
pub(in crate::features::repository) async fn build_history(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
    addition: &str,
) -> Result<Vec<BuildHistory>> {
    let mut conn = app.pool.acquire().await?;
    let entered = address
        .enter(&mut conn, app, ctx, Resource::ArtifactAddition, Action::Read)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    let row = find(&mut conn, site, address, reference).await?;
    if addition != "build_history" || !kind::is_image_config(row.config_media_type.as_deref()) {
        let kind = kind::of(
            row.is_index,
            row.artifact_type.as_deref(),
            row.config_media_type.as_deref(),
        );
        return Err(Error::new(
            Code::BadRequest,
            format!("addition {addition} isn't supported for {kind}"),
        ));
    }
    Ok(wire::history(store::history(&mut conn, row.id).await?))
}

/// What is known of an artifact's vulnerabilities: nothing, for there is no scanner.
pub(in crate::features::repository) async fn vulnerabilities(
    app: &App,
    ctx: &Context,
    address: Address<'_>,
    reference: &str,
) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    let entered = address
        .enter(&mut conn, app, ctx, Resource::ArtifactAddition, Action::Read)
        .await?;
    let site = entered.site().ok_or_else(|| not_found(address, reference))?;
    find(&mut conn, site, address, reference).await?;
    Err(Error::new(
        Code::NotFound,
        format!("no scanner is configured for the project {}", address.project),
    ))
}

/// The artifact behind a tag or digest.
pub(in crate::features::repository) async fn find(
    conn: &mut PgConnection,
    site: Site<'_>,
    address: Address<'_>,
    reference: &str,
) -> Result<ArtifactRow> {
    // What is neither tag nor digest names nothing.
    let row = match Reference::parse(reference) {
        Ok(Reference::Tag(tag)) => store::find(conn, site.repository_id, Some(tag.as_str()), None).await?,
        Ok(Reference::Digest(digest)) => {
            store::find(conn, site.repository_id, None, Some(digest.as_str())).await?
        }
        Err(_) => None,
    };
    row.ok_or_else(|| not_found(address, reference))
}

/// The answer where there is no such artifact.
pub(in crate::features::repository) fn not_found(address: Address<'_>, reference: &str) -> Error {
    let separator = if reference.contains(':') { '@' } else { ':' };
    Error::new(
        Code::NotFound,
        format!("artifact {address}{separator}{reference} not found"),
    )
}

/// Adds to a project's artifacts what was asked for, with one query for each kind of thing.
pub(super) async fn dressed(
    conn: &mut PgConnection,
    project_id: i64,
    rows: Vec<(Site<'_>, ArtifactRow)>,
    with: With,
) -> Result<Vec<Artifact>> {
    let sites: Vec<Site<'_>> = rows.iter().map(|(site, _)| *site).collect();
    let indexes: Vec<i64> = rows
        .iter()
        .filter(|(_, row)| row.is_index)
        .map(|(_, row)| row.id)
        .collect();
    let mut artifacts: Vec<Artifact> = rows
        .into_iter()
        .map(|(site, row)| wire::artifact(site, row))
        .collect();
    let ids: Vec<i64> = artifacts.iter().map(|artifact| artifact.id).collect();
    let place: HashMap<i64, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    if !indexes.is_empty() {
        for row in store::children(conn, &indexes).await? {
            if let Some(place) = place.get(&row.parent_id) {
                artifacts[*place]
                    .references
                    .get_or_insert_default()
                    .push(wire::reference(row));
            }
        }
    }
    if with.tags {
        for row in tag::store::of_artifacts(conn, &ids, MOST_TAGS).await? {
            if let Some(place) = place.get(&row.manifest_id) {
                artifacts[*place]
                    .tags
                    .get_or_insert_default()
                    .push(wire::tag(row));
            }
        }
    }
    if with.tags && with.immutable {
        let guard = Guard::of(conn, project_id).await?;
        for (site, artifact) in sites.iter().zip(&mut artifacts) {
            for tag in artifact.tags.iter_mut().flatten() {
                tag.immutable = guard.is_immutable(site.repository, &tag.name);
            }
        }
    }
    if with.labels {
        artifacts
            .iter_mut()
            .for_each(|artifact| artifact.labels = Some(Vec::new()));
        for (manifest_id, label) in label::of_artifacts(conn, &ids).await? {
            if let Some(place) = place.get(&manifest_id) {
                artifacts[*place].labels.get_or_insert_default().push(label);
            }
        }
    }
    if with.accessories {
        let digests: Vec<String> = artifacts.iter().map(|artifact| artifact.digest.clone()).collect();
        let repositories: Vec<i64> = sites.iter().map(|site| site.repository_id).collect();
        for row in store::accessories(conn, &repositories, &digests).await? {
            if let Some(place) = row.subject_id.and_then(|id| place.get(&id)) {
                artifacts[*place]
                    .accessories
                    .get_or_insert_default()
                    .push(wire::accessory(sites[*place].repository, row));
            }
        }
    }
    if with.inherited {
        for (child_id, row) in store::inherited(conn, &ids).await? {
            if let Some(place) = place.get(&child_id) {
                artifacts[*place]
                    .inherited_accessories
                    .get_or_insert_default()
                    .push(wire::accessory(sites[*place].repository, row));
            }
        }
    }
    Ok(artifacts)
}
