//! Which tags a repository has.

use serde::Deserialize;
use slipway_model::Tag;

use super::Upstream;
use super::list::{List, PAGE};
use crate::auth::Scopes;
use crate::{RemoteName, Result};

#[derive(Deserialize)]
struct Tags {
    /// `null` where some registries mean none.
    tags: Option<Vec<String>>,
}

impl Upstream {
    /// All tags of a repository, at most so many. What is no tag by the specification is left out.
    pub async fn tags(&self, name: &RemoteName, most: usize) -> Result<Vec<Tag>> {
        let mut first = self.of_repository(name, &["tags/list"])?;
        first.query_pairs_mut().append_pair("n", &PAGE.to_string());
        let list = List {
            first,
            scopes: Scopes::pull(name),
            operation: format!("listing the tags of {name}"),
            most,
        };
        let tags = self
            .read_list(list, |page: Tags| page.tags.unwrap_or_default())
            .await?;
        Ok(tags.iter().filter_map(|tag| Tag::parse(tag).ok()).collect())
    }
}
