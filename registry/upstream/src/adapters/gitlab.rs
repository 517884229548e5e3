//! GitLab's container registry: tokens and lists at GitLab itself, which is another host than its registry.
//!
//! Tested against a simulation of the calls, written from GitLab's public descriptions; GitLab itself was not met
//! here. For a GitLab of one's own, its host must be confirmed as the token host, and its API's address is that
//! host's.

use async_trait::async_trait;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::{Abilities, Kind, Listing, Vendor, namespace_of, paging};
use crate::{Endpoint, Error, RemoteName, Result, Upstream};

const PAGE: usize = 100;

/// GitLab's container registry.
#[derive(Debug, Clone)]
pub struct GitLab {
    api: String,
}

impl GitLab {
    /// The GitLab that an endpoint belongs to: the token host that was confirmed, or the registry's own host.
    pub fn of(endpoint: &Endpoint) -> Self {
        let host = endpoint.url.host_str().unwrap_or_default();
        match (host, endpoint.token_hosts.first()) {
            ("registry.gitlab.com", _) => Self::at("https://gitlab.com"),
            (_, Some(confirmed)) => Self::at(format!("https://{confirmed}")),
            (own, None) => Self::at(format!("https://{own}")),
        }
    }

    /// With GitLab itself at this address.
    pub fn at(api: impl Into<String>) -> Self {
        Self { api: api.into() }
    }

    /// `/api/v4/groups/<group>/registry/repositories`; the group's slashes are escaped.
    fn list(&self, kind: &str, of: &str) -> Result<Url> {
        let mut url =
            Url::parse(&self.api).map_err(|error| Error::Invalid(format!("the URL of GitLab: {error}")))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(["api", "v4", kind, of, "registry", "repositories"]);
        }
        url.query_pairs_mut()
            .append_pair("per_page", &PAGE.to_string())
            .append_pair("page", "1");
        Ok(url)
    }
}

#[derive(Deserialize)]
struct Repository {
    path: String,
}

#[async_trait]
impl Vendor for GitLab {
    fn kind(&self) -> Kind {
        Kind::GitLab
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: true,
            deletes_tags: true,
        }
    }

    fn adapt(&self, endpoint: Endpoint) -> Result<Endpoint> {
        match endpoint.url.host_str() {
            Some("registry.gitlab.com") => Ok(endpoint.token_host("gitlab.com")),
            _ => Ok(endpoint),
        }
    }

    async fn repositories(&self, upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
        let namespace = namespace_of(upstream, listing)?;
        let header = upstream.session().authorizer().password().and_then(|(_, token)| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        let names = |page: &Vec<Repository>| page.iter().map(|found| found.path.clone()).collect();
        let next = |fetched: &_, page: &Vec<Repository>| paging::next_number(fetched, page.len(), PAGE);
        // A namespace is a group or a project, and only asking tells which.
        let group = self.list("groups", namespace)?;
        match paging::read(upstream, group, header.as_ref(), listing, names, next).await {
            Err(Error::NotFound { .. }) => {
                let project = self.list("projects", namespace)?;
                paging::read(upstream, project, header.as_ref(), listing, names, next).await
            }
            other => other,
        }
    }
}
