//! Any registry of the OCI or Docker distribution protocol, such as distribution and zot.
//!
//! Tested against a simulated registry; distribution v3 was met once by hand, and no test does so yet. Tags can be
//! deleted since distribution v3; older ones say that they do not support it.

use async_trait::async_trait;

use super::{Abilities, Kind, Vendor};

/// The plain protocol.
#[derive(Debug, Clone, Copy)]
pub struct DockerRegistry;

#[async_trait]
impl Vendor for DockerRegistry {
    fn kind(&self) -> Kind {
        Kind::DockerRegistry
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }
}
