//! What registries do differently beside the distribution protocol: one file a vendor, behind one trait.
//!
//! Pulling and pushing is the same for all of them and stands in [`crate::client`]. A vendor says how repositories
//! are listed and created, how names are written, how tags are deleted, and which hosts belong to it. Each file says
//! what of it was met in reality and what only in a simulation.

mod acr;
mod artifactory;
mod catalogue_free;
mod docker_hub;
mod docker_registry;
mod ecr;
mod gar;
mod ghcr;
mod gitlab;
mod harbor;
mod kind;
mod paging;
mod quay;
mod slipway;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use slipway_model::Tag;

pub use acr::Acr;
pub use artifactory::Artifactory;
pub use catalogue_free::CatalogueFree;
pub use docker_hub::DockerHub;
pub use docker_registry::DockerRegistry;
pub use ecr::Ecr;
pub use gar::Gar;
pub use ghcr::Ghcr;
pub use gitlab::GitLab;
pub use harbor::Harbor;
pub use kind::Kind;
pub use quay::Quay;
pub use slipway::Slipway;

use crate::{Endpoint, Error, RemoteName, Result, Site, Upstream};

/// Which repositories are wanted.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Only those below this namespace (project, organisation, group). Some vendors list nothing without.
    pub namespace: Option<String>,
    /// At most so many; more are an error.
    pub most: usize,
}

/// What a vendor can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Repositories can be listed.
    pub lists: bool,
    /// And only below a namespace.
    pub needs_namespace: bool,
    /// A tag can be deleted while its manifest stays.
    pub deletes_tags: bool,
}

/// A kind of registry. Names in and out are those of the distribution protocol, below `/v2/`.
#[async_trait]
pub trait Vendor: fmt::Debug + Send + Sync {
    /// Which one.
    fn kind(&self) -> Kind;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// The endpoint as it is spoken to: the host of the protocol instead of the one that people know, token hosts
    /// that belong to the vendor, credentials in the form that it takes.
    fn adapt(&self, endpoint: Endpoint) -> Result<Endpoint> {
        Ok(endpoint)
    }

    /// A name as people write it, as the protocol wants it.
    fn repository(&self, name: &str) -> Result<RemoteName> {
        RemoteName::parse(name)
    }

    /// The repositories that the account sees.
    async fn repositories(&self, upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
        catalog(upstream, listing).await
    }

    /// Sees to it that a push to this repository can succeed. Most registries create on push.
    async fn create_repository(&self, _upstream: &Upstream, _name: &RemoteName) -> Result<()> {
        Ok(())
    }

    /// Deletes a tag and leaves its manifest. False where it was not there.
    async fn delete_tag(&self, upstream: &Upstream, name: &RemoteName, tag: &Tag) -> Result<bool> {
        upstream.delete_tag(name, tag).await
    }
}

/// A registry of a vendor: the protocol, and what is different about it.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Pulls and pushes.
    pub upstream: Upstream,
    /// The rest.
    pub vendor: Arc<dyn Vendor>,
}

impl Remote {
    /// Makes the client of a registry of this kind, at the vendor's public hosts; nothing is sent yet.
    pub fn of(kind: Kind, endpoint: Endpoint) -> Result<Self> {
        Self::new(kind.vendor(&endpoint), endpoint)
    }

    /// The same with a vendor whose own API stands elsewhere.
    pub fn new(vendor: Arc<dyn Vendor>, endpoint: Endpoint) -> Result<Self> {
        let endpoint = vendor.adapt(endpoint)?;
        Ok(Self {
            upstream: Upstream::new(&endpoint)?,
            vendor,
        })
    }
}

/// `/v2/_catalog`, below the namespace.
async fn catalog(upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
    let all = upstream.catalog(listing.most).await?;
    Ok(below(all, listing.namespace.as_deref()))
}

fn below(mut all: Vec<RemoteName>, namespace: Option<&str>) -> Vec<RemoteName> {
    if let Some(namespace) = namespace {
        let prefix = format!("{namespace}/");
        all.retain(|name| name.as_str().starts_with(&prefix));
    }
    all
}

/// What a vendor cannot do, with the remedy.
fn unsupported(upstream: &Upstream, operation: &str, cause: impl Into<String>) -> Error {
    Error::Unsupported {
        site: Site::new(upstream.base(), operation),
        cause: cause.into(),
    }
}

fn namespace_of<'a>(upstream: &Upstream, listing: &'a Listing) -> Result<&'a str> {
    listing.namespace.as_deref().ok_or_else(|| {
        unsupported(
            upstream,
            LISTING,
            "this registry lists repositories only below a namespace, name one in the filter",
        )
    })
}

/// How listing is called in errors.
const LISTING: &str = "listing the repositories";
