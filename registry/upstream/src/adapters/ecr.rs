//! Amazon's Elastic Container Registry, with a password from `aws ecr get-login-password`.
//!
//! **What is missing:** an access key cannot be exchanged for that password, and a repository cannot be created. Both
//! are calls of AWS's own API with AWS's signature, and only `slipway-blobs` may know the AWS SDK. The password lives
//! for twelve hours, so whoever sets up such a registry must renew it; a repository must exist before it is pushed to,
//! or the account have a template that creates on push.
//!
//! Tested against a simulated registry; ECR itself was not met here.

use async_trait::async_trait;

use super::{Abilities, Kind, Vendor, unsupported};
use crate::{Credential, Endpoint, Error, RemoteName, Result, Upstream};

/// Amazon's Elastic Container Registry.
#[derive(Debug, Clone, Copy)]
pub struct Ecr;

#[async_trait]
impl Vendor for Ecr {
    fn kind(&self) -> Kind {
        Kind::Ecr
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }

    fn adapt(&self, endpoint: Endpoint) -> Result<Endpoint> {
        match &endpoint.credential {
            Credential::Basic { user, .. } if user != "AWS" => Err(Error::Invalid(
                "credential: an AWS access key cannot be used here, because Slipway does not sign requests to AWS; \
                 set the user AWS with the output of `aws ecr get-login-password` as password, and renew it within \
                 twelve hours"
                    .to_owned(),
            )),
            _ => Ok(endpoint),
        }
    }

    async fn create_repository(&self, upstream: &Upstream, name: &RemoteName) -> Result<()> {
        // A repository that is not there has no list of tags.
        match upstream.tags(name, usize::MAX).await {
            Err(Error::NotFound { .. }) => Err(unsupported(
                upstream,
                &format!("creating the repository {name}"),
                "ECR creates repositories only by AWS's own API, create it there",
            )),
            other => other.map(|_| ()),
        }
    }
}
