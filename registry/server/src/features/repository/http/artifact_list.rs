use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use slipway_api::{Artifact, ErrorBody};

use crate::error::{Code, Error, Result};
use crate::features::repository::artifact::service::{self, With};
use crate::features::repository::artifact::store::Wanted;
use crate::features::repository::service::Address;
use crate::features::repository::store::Cut;
use crate::features::request::Params;
use crate::features::request::query::{Query, Term, holds, sort};
use crate::kernel::app::App;
use crate::kernel::context::Context;
use crate::kernel::paging::Page;

/// List a repository's artifacts: those with a tag and those that are no part of an index. What refers to
/// another artifact stands with that one.
#[utoipa::path(
    get, path = "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts", tag = "artifact",
    operation_id = "listArtifacts",
    params(
        ("project_name" = String, Path), ("repository_name" = String, Path, description = "encoded twice where it holds slashes"),
        ("q" = Option<String>, Query, description = "tags, labels=(1 2), digest, artifact_type, media_type, base=*"),
        ("sort" = Option<String>, Query),
        ("page" = Option<i64>, Query), ("page_size" = Option<i64>, Query),
        ("with_tag" = Option<bool>, Query), ("with_label" = Option<bool>, Query),
        ("with_accessory" = Option<bool>, Query), ("with_immutable_status" = Option<bool>, Query),
        ("with_inherited_accessory" = Option<bool>, Query, description = "the signatures of the indexes that it is a part of"),
        ("with_scan_overview" = Option<bool>, Query, description = "there is no scanner yet: nothing is shown"),
        ("with_sbom_overview" = Option<bool>, Query, description = "there is no scanner yet: nothing is shown"),
    ),
    responses(
        (status = 200, body = Vec<Artifact>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
)]
pub(in crate::features::repository) async fn list(
    State(app): State<App>,
    ctx: Context,
    Path((project, repository)): Path<(String, String)>,
    page: Page,
    params: Params,
) -> Result<(HeaderMap, Json<Vec<Artifact>>)> {
    let wanted = wanted(&Query::read(&params)?)?;
    let address = Address {
        project: &project,
        repository: &repository,
    };
    let (artifacts, total) =
        service::list(&app, &ctx, address, wanted, with(&params), cut(&params, &page)).await?;
    Ok((page.headers(total), Json(artifacts)))
}

/// The part of the list that was asked for; newest first unless said otherwise.
pub(super) fn cut(params: &Params, page: &Page) -> Cut {
    let (sort, down) = sort(params, &["push_time", "pull_time", "size"], ("push_time", true));
    Cut {
        sort,
        down,
        limit: page.limit(),
        offset: page.offset(),
    }
}

/// What the artifacts are answered with.
pub(super) fn with(params: &Params) -> With {
    With {
        tags: params.switch("with_tag").unwrap_or(true),
        labels: params.switch("with_label").unwrap_or(false),
        accessories: params.switch("with_accessory").unwrap_or(false),
        inherited: params.switch("with_inherited_accessory").unwrap_or(false),
        immutable: params.switch("with_immutable_status").unwrap_or(false),
    }
}

/// Which artifacts are wanted.
pub(super) fn wanted(query: &Query) -> Result<Wanted> {
    let text = |keys: &[&str]| query.exact(keys).map(str::to_owned);
    let mut wanted = Wanted {
        with_children: query.exact(&["base"]) == Some("*"),
        digest: text(&["digest", "Digest"]),
        artifact_type: text(&["artifact_type", "ArtifactType"]),
        media_type: text(&["media_type", "MediaType"]),
        labels: labels(query)?,
        ..Wanted::default()
    };
    match query.get(&["tags"]) {
        Some(Term::Exact(any)) if any == "*" => wanted.tagged = Some(true),
        Some(Term::Exact(none)) if none == "nil" => wanted.tagged = Some(false),
        Some(Term::Exact(tag)) => wanted.tag = Some(tag.clone()),
        Some(Term::Fuzzy(part)) => wanted.tag_pattern = Some(holds(part)),
        _ => {}
    }
    Ok(wanted)
}

/// `labels=(1 2)`: the ids of labels, all of which an artifact must have.
fn labels(query: &Query) -> Result<Option<Vec<i64>>> {
    let bad = || {
        Error::new(
            Code::BadRequest,
            "labels in q is a list of ids such as labels=(1 2), all of which are asked for",
        )
    };
    match query.get(&["labels"]) {
        None => Ok(None),
        Some(Term::All(ids)) => {
            let ids: Result<BTreeSet<i64>> = ids.iter().map(|id| id.parse().map_err(|_| bad())).collect();
            Ok(Some(ids?.into_iter().collect()))
        }
        Some(_) => Err(bad()),
    }
}
