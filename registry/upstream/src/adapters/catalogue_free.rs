//! Any registry that forbids listing: repositories are named one by one.

use async_trait::async_trait;

use super::{Abilities, Kind, LISTING, Listing, Vendor, unsupported};
use crate::{RemoteName, Result, Upstream};

/// The plain protocol without its catalogue, which is never asked for.
#[derive(Debug, Clone, Copy)]
pub struct CatalogueFree;

#[async_trait]
impl Vendor for CatalogueFree {
    fn kind(&self) -> Kind {
        Kind::CatalogueFree
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            lists: false,
            needs_namespace: false,
            deletes_tags: true,
        }
    }

    async fn repositories(&self, upstream: &Upstream, _listing: &Listing) -> Result<Vec<RemoteName>> {
        Err(unsupported(
            upstream,
            LISTING,
            "this registry is set up as one that is never listed, name each repository in the filter without wildcards",
        ))
    }
}
