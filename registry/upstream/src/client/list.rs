//! Lists that come in pages.

use std::collections::HashSet;

use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Upstream, link};
use crate::auth::Scopes;
use crate::transport::{Call, Fetched};
use crate::{Error, Result};

/// Entries that are asked for at once.
pub(super) const PAGE: usize = 1_000;
/// Most bytes of one page: registries that know no pages send everything at once.
const PAGE_BYTES: usize = 32 * 1024 * 1024;

/// Where a list begins, and what is asked of it.
pub(super) struct List {
    pub(super) first: Url,
    pub(super) scopes: Scopes,
    pub(super) operation: String,
    /// Most entries; more are an error.
    pub(super) most: usize,
}

impl Upstream {
    /// Reads a list to its end. Each page is repeated on its own where it fails, so that one 429 does not cost the
    /// pages before it.
    pub(super) async fn read_list<P: DeserializeOwned, T>(
        &self,
        list: List,
        entries: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>> {
        let (mut all, mut next, mut seen) = (Vec::new(), Some(list.first), HashSet::new());
        while let Some(url) = next.take() {
            let call = Call::new(Method::GET, url.clone(), list.scopes.clone(), &list.operation);
            let page = self.session.fetch(&call, PAGE_BYTES).await?;
            let found = entries(page.json()?);
            let empty = found.is_empty();
            all.extend(found);
            if all.len() > list.most {
                return Err(Error::TooLarge {
                    site: page.site,
                    cause: format!(
                        "the list has more than the {} entries that are accepted",
                        list.most
                    ),
                });
            }
            seen.insert(url);
            next = self.next_page(&page)?.filter(|_| !empty);
            if next.as_ref().is_some_and(|next| seen.contains(next)) {
                return Err(Error::protocol(
                    page.site,
                    "its list leads back to a page that was read already",
                ));
            }
        }
        Ok(all)
    }

    /// The next page, at the registry itself and nowhere else.
    pub(super) fn next_page(&self, page: &Fetched) -> Result<Option<Url>> {
        let Some(text) = link::next(&page.headers) else {
            return Ok(None);
        };
        let url = self.session.resolve(&page.url, text, &page.site)?;
        if !self.session.is_own(&url) {
            return Err(Error::protocol(
                page.site.clone(),
                "its list goes on at another host",
            ));
        }
        Ok(Some(url))
    }
}
