//! Harbor, by its management API.
//!
//! Tested against a simulation of the calls, written from Harbor's API description; a real Harbor was not met here.
//! Two of its habits to know: a token host that answers a wrong password with an anonymous token makes "wrong
//! credentials" look like "missing rights" everywhere but in [`Upstream::ping`]; and an account that may list may
//! still not read.

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use slipway_model::Tag;

use super::paging::{self, next_number};
use super::{Abilities, Kind, Listing, Vendor};
use crate::transport::{Payload, SMALL};
use crate::{Error, RemoteName, Result, Upstream};

/// Entries a page: the most that Harbor gives.
const PAGE: usize = 100;

/// Harbor 2.
#[derive(Debug, Clone, Copy)]
pub struct Harbor;

#[derive(Deserialize)]
pub(super) struct Repository {
    name: String,
}

#[async_trait]
impl Vendor for Harbor {
    fn kind(&self) -> Kind {
        Kind::Harbor
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }

    async fn repositories(&self, upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
        list(upstream, listing).await
    }

    async fn create_repository(&self, upstream: &Upstream, name: &RemoteName) -> Result<()> {
        create_project(upstream, name).await
    }

    async fn delete_tag(&self, upstream: &Upstream, name: &RemoteName, tag: &Tag) -> Result<bool> {
        let Some((project, path)) = name.as_str().split_once('/') else {
            return Ok(false);
        };
        let mut url = upstream.url(&["api/v2.0/projects", project, "repositories"])?;
        // The name's own slashes are escaped twice: gateways undo one escape.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(&path.replace('/', "%2F"));
            segments.extend(["artifacts", tag.as_str(), "tags", tag.as_str()]);
        }
        let header = upstream.session().authorizer().password_header();
        let operation = format!("deleting the tag {tag} of {name}");
        let call = paging::call(Method::DELETE, url, header.as_ref(), &operation);
        upstream.gone(&call).await
    }
}

/// `/projects/{name}/repositories`, or all that the account sees.
pub(super) async fn list(upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
    let mut first = match &listing.namespace {
        Some(namespace) => {
            let project = namespace.split('/').next().unwrap_or_default();
            upstream.url(&["api/v2.0/projects", project, "repositories"])?
        }
        None => upstream.url(&["api/v2.0/repositories"])?,
    };
    first
        .query_pairs_mut()
        .append_pair("page", "1")
        .append_pair("page_size", &PAGE.to_string());
    let header = upstream.session().authorizer().password_header();
    let names = |page: &Option<Vec<Repository>>| {
        let page = page.iter().flatten();
        page.map(|repository| repository.name.clone()).collect()
    };
    let next = |fetched: &_, page: &Option<Vec<Repository>>| {
        next_number(fetched, page.as_ref().map_or(0, Vec::len), PAGE)
    };
    let all = paging::read(upstream, first, header.as_ref(), listing, names, next).await?;
    Ok(super::below(all, listing.namespace.as_deref()))
}

/// Creates the project in front, private, unless it is there.
pub(super) async fn create_project(upstream: &Upstream, name: &RemoteName) -> Result<()> {
    let Some(project) = name.namespace() else {
        return Err(Error::Invalid(format!(
            "{name} has no project in front, which this registry needs: set a destination namespace"
        )));
    };
    let header = upstream.session().authorizer().password_header();
    let operation = format!("creating the project {project}");
    let mut look = upstream.url(&["api/v2.0/projects"])?;
    look.query_pairs_mut().append_pair("project_name", project);
    let look = paging::call(Method::HEAD, look, header.as_ref(), &operation);
    match upstream.session().fetch(&look, 0).await {
        Ok(_) => return Ok(()),
        Err(Error::NotFound { .. } | Error::Unauthorized { .. }) => {}
        Err(error) => return Err(error),
    }
    let body = serde_json::json!({"project_name": project, "metadata": {"public": "false"}});
    let create = paging::call(
        Method::POST,
        upstream.url(&["api/v2.0/projects"])?,
        header.as_ref(),
        &operation,
    )
    .header(CONTENT_TYPE, "application/json")
    .payload(Payload::Bytes(body.to_string().into()));
    match upstream.session().fetch(&create, SMALL).await {
        // Somebody else was quicker, or an earlier try got through.
        Ok(_) | Err(Error::Rejected { status: 409, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
