//! Azure's Container Registry: tags are deleted by an API of its own.
//!
//! A service principal, a token of the registry or its administrator are name and password; a refresh token of the
//! registry (`az acr login --expose-token`) goes with the user `00000000-0000-0000-0000-000000000000`. Tested against a
//! simulation of the calls, written from Azure's public descriptions; Azure itself was not met here.

use async_trait::async_trait;
use reqwest::Method;
use slipway_model::Tag;

use super::{Abilities, Kind, Vendor, paging};
use crate::{Credential, Endpoint, RemoteName, Result, Upstream};

/// The user that says: the password is a refresh token.
const REFRESH: &str = "00000000-0000-0000-0000-000000000000";

/// Azure's Container Registry.
#[derive(Debug, Clone, Copy)]
pub struct Acr;

#[async_trait]
impl Vendor for Acr {
    fn kind(&self) -> Kind {
        Kind::Acr
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }

    fn adapt(&self, mut endpoint: Endpoint) -> Result<Endpoint> {
        if let Credential::Basic { user, password } = &endpoint.credential
            && user == REFRESH
        {
            endpoint.credential = Credential::Identity(password.clone());
        }
        Ok(endpoint)
    }

    async fn delete_tag(&self, upstream: &Upstream, name: &RemoteName, tag: &Tag) -> Result<bool> {
        let Some(header) = upstream.session().authorizer().password_header() else {
            return upstream.delete_tag(name, tag).await;
        };
        let url = upstream.url(&["acr/v1", name.as_str(), "_tags", tag.as_str()])?;
        let operation = format!("deleting the tag {tag} of {name}");
        let call = paging::call(Method::DELETE, url, Some(&header), &operation);
        upstream.gone(&call).await
    }
}
