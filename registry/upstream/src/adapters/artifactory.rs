//! JFrog's Artifactory: the protocol, below a host or below `/artifactory/api/docker/<repository>`.
//!
//! With the second form the URL names one of Artifactory's repositories, and names are those inside it. Tested against
//! a simulated registry under such a path; Artifactory itself was not met here.

use async_trait::async_trait;

use super::{Abilities, Kind, Vendor};

/// JFrog's Artifactory.
#[derive(Debug, Clone, Copy)]
pub struct Artifactory;

#[async_trait]
impl Vendor for Artifactory {
    fn kind(&self) -> Kind {
        Kind::Artifactory
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }
}
