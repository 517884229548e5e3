//! Google's Artifact Registry (`<place>-docker.pkg.dev`) and Container Registry (`gcr.io`).
//!
//! The key of a service account is sent as the password of `_json_key`, or `_json_key_base64` for its encoded form; an
//! access token as that of `oauth2accesstoken`. Tested against a simulated registry; Google's were not met here.

use async_trait::async_trait;

use super::{Abilities, Kind, Vendor};
use crate::{Credential, Endpoint, Error, Result};

/// Google's registries.
#[derive(Debug, Clone, Copy)]
pub struct Gar;

#[async_trait]
impl Vendor for Gar {
    fn kind(&self) -> Kind {
        Kind::Gar
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }

    fn adapt(&self, endpoint: Endpoint) -> Result<Endpoint> {
        if let Credential::Basic { user, password } = &endpoint.credential
            && user == "_json_key"
            && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(password.expose()).is_err()
        {
            return Err(Error::Invalid(
                "credential: the password of _json_key is the whole JSON file of the service account's key"
                    .to_owned(),
            ));
        }
        Ok(endpoint)
    }
}
