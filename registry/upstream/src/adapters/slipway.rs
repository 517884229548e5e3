//! Another Slipway: Harbor's management API for lists and projects, the protocol itself for tags.
//!
//! Tested against a simulation of the calls; a real Slipway was met once by hand, and no test does so yet.

use async_trait::async_trait;

use super::{Abilities, Kind, Listing, Vendor, harbor};
use crate::{RemoteName, Result, Upstream};

/// Slipway.
#[derive(Debug, Clone, Copy)]
pub struct Slipway;

#[async_trait]
impl Vendor for Slipway {
    fn kind(&self) -> Kind {
        Kind::Slipway
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: true,
            needs_namespace: false,
            deletes_tags: true,
        }
    }

    async fn repositories(&self, upstream: &Upstream, listing: &Listing) -> Result<Vec<RemoteName>> {
        harbor::list(upstream, listing).await
    }

    async fn create_repository(&self, upstream: &Upstream, name: &RemoteName) -> Result<()> {
        harbor::create_project(upstream, name).await
    }
}
