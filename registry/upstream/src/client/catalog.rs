//! Which repositories there are.

use serde::Deserialize;

use super::Upstream;
use super::list::{List, PAGE};
use crate::auth::Scopes;
use crate::{RemoteName, Result};

#[derive(Deserialize)]
struct Catalog {
    repositories: Option<Vec<String>>,
}

impl Upstream {
    /// All repositories that the registry lists (`/v2/_catalog`), at most so many. Names that no client could use are
    /// left out.
    pub async fn catalog(&self, most: usize) -> Result<Vec<RemoteName>> {
        let mut first = self.url(&["v2/_catalog"])?;
        first.query_pairs_mut().append_pair("n", &PAGE.to_string());
        let list = List {
            first,
            scopes: Scopes::catalog(),
            operation: "listing the repositories".to_owned(),
            most,
        };
        let names = self
            .read_list(list, |page: Catalog| page.repositories.unwrap_or_default())
            .await?;
        Ok(names
            .iter()
            .filter_map(|name| RemoteName::parse(name).ok())
            .collect())
    }
}
