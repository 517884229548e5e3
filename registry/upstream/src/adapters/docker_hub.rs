//! Docker Hub: the protocol at one host, tokens at another, lists and deletions by the API of a third.
//!
//! Tested against a simulation of the calls, written from Docker's public descriptions; Docker Hub itself was not met
//! here.

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use slipway_model::Tag;
use url::Url;

use super::{Abilities, Kind, Listing, Vendor, namespace_of, paging};
use crate::transport::{Payload, SMALL};
use crate::{Endpoint, Error, RemoteName, Result, Upstream};

/// The namespace of official images, which people leave out.
const OFFICIAL: &str = "library";
/// Hosts that people write and that stand for the one of the protocol.
const KNOWN: [&str; 4] = ["hub.docker.com", "docker.io", "index.docker.io", "www.docker.com"];

/// Docker Hub.
#[derive(Debug, Clone)]
pub struct DockerHub {
    api: String,
}

impl Default for DockerHub {
    fn default() -> Self {
        Self::at("https://hub.docker.com")
    }
}

impl DockerHub {
    /// With its own API at another address.
    pub fn at(api: impl Into<String>) -> Self {
        Self { api: api.into() }
    }

    fn url(&self, path: &str) -> Result<Url> {
        Url::parse(&format!("{}{path}", self.api))
            .map_err(|error| Error::Invalid(format!("the URL of Docker Hub's API: {error}")))
    }

    /// A session of the API; anonymous callers see public repositories.
    async fn session(&self, upstream: &Upstream) -> Result<Option<HeaderValue>> {
        let Some((user, password)) = upstream.session().authorizer().password() else {
            return Ok(None);
        };
        let body = serde_json::json!({"identifier": user, "secret": password});
        let call = paging::call(Method::POST, self.url("/v2/auth/token")?, None, "logging in")
            .header(CONTENT_TYPE, "application/json")
            .payload(Payload::Bytes(body.to_string().into()));
        let answer = upstream.session().fetch(&call, SMALL).await?;
        let wrong = || Error::protocol(answer.site.clone(), "it is no token");
        let login: Login = serde_json::from_slice(&answer.bytes).map_err(|_| wrong())?;
        let mut header =
            HeaderValue::from_str(&format!("Bearer {}", login.access_token)).map_err(|_| wrong())?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

#[derive(Deserialize)]
struct Login {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    next: Option<String>,
    results: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
    namespace: String,
}

#[async_trait]
impl Vendor for DockerHub {
    fn kind(&self) -> Kind {
        Kind::DockerHub
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: true,
            deletes_tags: true,
        }
    }

    fn adapt(&self, mut endpoint: Endpoint) -> Result<Endpoint> {
        if endpoint.url.host_str().is_some_and(|host| KNOWN.contains(&host)) {
            endpoint.url = Url::parse("https://registry-1.docker.io/")
                .map_err(|error| Error::Invalid(error.to_string()))?;
        }
        Ok(endpoint.token_host("auth.docker.io"))
    }

    fn repository(&self, name: &str) -> Result<RemoteName> {
        let name = RemoteName::parse(name)?;
        match name.namespace() {
            Some(_) => Ok(name),
            None => name.within(OFFICIAL),
        }
    }

    async fn repositories(&self, upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
        let namespace = namespace_of(upstream, listing)?;
        let session = self.session(upstream).await?;
        let mut first = self.url("/v2/namespaces")?;
        if let Ok(mut segments) = first.path_segments_mut() {
            segments.extend([namespace, "repositories"]);
        }
        first.query_pairs_mut().append_pair("page_size", "100");
        let names = |page: &Page| {
            let results = page.results.iter();
            results
                .map(|found| format!("{}/{}", found.namespace, found.name))
                .collect()
        };
        let next = |_: &_, page: &Page| page.next.clone();
        paging::read(upstream, first, session.as_ref(), listing, names, next).await
    }

    async fn delete_tag(&self, upstream: &Upstream, name: &RemoteName, tag: &Tag) -> Result<bool> {
        let session = self.session(upstream).await?;
        let url = self.url(&format!("/v2/repositories/{name}/tags/{tag}/"))?;
        let operation = format!("deleting the tag {tag} of {name}");
        let call = paging::call(Method::DELETE, url, session.as_ref(), &operation);
        upstream.gone(&call).await
    }
}
