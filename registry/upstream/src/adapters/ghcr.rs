//! GitHub's container registry. Lists come from GitHub's REST API; the registry itself has none.
//!
//! Tested against a simulation of the calls, written from GitHub's public descriptions; GitHub itself was not met
//! here. A tag cannot be deleted: GitHub deletes whole versions, with all tags that they have.

use async_trait::async_trait;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use slipway_model::Tag;
use url::Url;

use super::{Abilities, Kind, Listing, Vendor, namespace_of, paging, unsupported};
use crate::{Error, RemoteName, Result, Upstream};

const PAGE: usize = 100;

/// GitHub's container registry.
#[derive(Debug, Clone)]
pub struct Ghcr {
    api: String,
}

impl Default for Ghcr {
    fn default() -> Self {
        Self::at("https://api.github.com")
    }
}

impl Ghcr {
    /// With its own API at another address, as GitHub Enterprise has.
    pub fn at(api: impl Into<String>) -> Self {
        Self { api: api.into() }
    }

    fn packages(&self, kind: &str, owner: &str) -> Result<Url> {
        let mut url = Url::parse(&self.api)
            .map_err(|error| Error::Invalid(format!("the URL of GitHub's API: {error}")))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend([kind, owner, "packages"]);
        }
        url.query_pairs_mut()
            .append_pair("package_type", "container")
            .append_pair("per_page", &PAGE.to_string())
            .append_pair("page", "1");
        Ok(url)
    }
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

#[async_trait]
impl Vendor for Ghcr {
    fn kind(&self) -> Kind {
        Kind::Ghcr
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: true,
            deletes_tags: false,
        }
    }

    async fn repositories(&self, upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
        let namespace = namespace_of(upstream, listing)?;
        let (owner, _) = namespace.split_once('/').unwrap_or((namespace, ""));
        let Some((_, token)) = upstream.session().authorizer().password() else {
            return Err(unsupported(
                upstream,
                super::LISTING,
                "GitHub lists packages only for an access token with read:packages, set one or name each repository",
            ));
        };
        let header = HeaderValue::from_str(&format!("Bearer {token}"))
            .ok()
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        let prefix = owner.to_ascii_lowercase();
        let names = |page: &Vec<Package>| {
            let page = page.iter();
            page.map(|package| format!("{prefix}/{}", package.name)).collect()
        };
        let next = |fetched: &_, page: &Vec<Package>| paging::next_number(fetched, page.len(), PAGE);
        // An owner is an organisation or a person, and only asking tells which.
        let organisation = self.packages("orgs", owner)?;
        let all = match paging::read(upstream, organisation, header.as_ref(), listing, names, next).await {
            Err(Error::NotFound { .. }) => {
                let person = self.packages("users", owner)?;
                paging::read(upstream, person, header.as_ref(), listing, names, next).await?
            }
            other => other?,
        };
        Ok(super::below(all, Some(namespace)))
    }

    async fn delete_tag(&self, upstream: &Upstream, name: &RemoteName, tag: &Tag) -> Result<bool> {
        let operation = format!("deleting the tag {tag} of {name}");
        Err(unsupported(
            upstream,
            &operation,
            "GitHub deletes only whole versions with all their tags, delete the version there",
        ))
    }
}
