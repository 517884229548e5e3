//! Quay: the protocol as it stands. Its own API wants another kind of token than its registry and is not used.
//!
//! Tested against a simulated registry; Quay itself was not met here.

use async_trait::async_trait;

use super::{Abilities, Kind, Vendor};

/// Quay.
#[derive(Debug, Clone, Copy)]
pub struct Quay;

#[async_trait]
impl Vendor for Quay {
    fn kind(&self) -> Kind {
        Kind::Quay
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }
}
