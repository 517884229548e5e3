//! Tags and manifests are taken away.

use reqwest::Method;
use slipway_model::{Digest, Tag};

use super::Upstream;
use crate::auth::Scopes;
use crate::transport::{Call, SMALL};
use crate::{Error, RemoteName, Result};

impl Upstream {
    /// Removes a tag and leaves what it stood for. False where it was not there. Registries that cannot do it by the
    /// protocol say [`Error::Unsupported`].
    pub async fn delete_tag(&self, name: &RemoteName, tag: &Tag) -> Result<bool> {
        self.delete(name, tag.as_str(), format!("deleting the tag {tag} of {name}"))
            .await
    }

    /// Removes a manifest with all its tags. False where it was not there.
    pub async fn delete_manifest(&self, name: &RemoteName, digest: &Digest) -> Result<bool> {
        self.delete(
            name,
            digest.as_str(),
            format!("deleting the manifest {digest} of {name}"),
        )
        .await
    }

    async fn delete(&self, name: &RemoteName, reference: &str, operation: String) -> Result<bool> {
        let url = self.of_repository(name, &["manifests", reference])?;
        let call = Call::new(Method::DELETE, url, Scopes::delete(name), operation);
        self.gone(&call).await
    }

    /// Sends a deletion. Absent afterwards is what is wanted, whoever did it.
    pub(crate) async fn gone(&self, call: &Call) -> Result<bool> {
        match self.session.fetch(call, SMALL).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
