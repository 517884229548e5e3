//! Vendors' own APIs: JSON, page by page.

use std::collections::HashSet;

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::de::DeserializeOwned;
use url::Url;

use super::{LISTING, Listing};
use crate::auth::Scopes;
use crate::transport::{Call, Fetched};
use crate::{Error, RemoteName, Result, Site, Upstream};

/// Most bytes of one page.
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// A request to a vendor's own API. The credentials go to the host of the URL and not along with redirects.
pub(super) fn call(method: Method, url: Url, authorization: Option<&HeaderValue>, operation: &str) -> Call {
    let mut call = Call::new(method, url, Scopes::none(), operation).header(ACCEPT, "application/json");
    if let Some(value) = authorization {
        call.headers.insert(AUTHORIZATION, value.clone());
    }
    call
}

/// Reads pages until there is no next one.
pub(super) async fn read<P: DeserializeOwned>(
    upstream: &Upstream,
    first: Url,
    authorization: Option<&HeaderValue>,
    listing: &Listing,
    names: impl Fn(&P) -> Vec<String>,
    next: impl Fn(&Fetched, &P) -> Option<String>,
) -> Result<Vec<RemoteName>> {
    let (mut all, mut url, mut seen) = (Vec::new(), Some(first), HashSet::new());
    while let Some(current) = url.take() {
        let site = Site::new(&current, LISTING);
        let call = call(Method::GET, current.clone(), authorization, LISTING);
        let fetched = upstream.session().fetch(&call, PAGE_BYTES).await?;
        let page: P = fetched.json()?;
        let found = names(&page);
        let empty = found.is_empty();
        all.extend(found.iter().filter_map(|name| RemoteName::parse(name).ok()));
        if all.len() > listing.most {
            return Err(Error::TooLarge {
                site,
                cause: format!(
                    "the list has more than the {} entries that are accepted",
                    listing.most
                ),
            });
        }
        if let Some(text) = next(&fetched, &page).filter(|_| !empty) {
            let following = upstream.session().resolve(&current, &text, &site)?;
            // The credentials are for this host.
            if following.origin() != current.origin() {
                return Err(Error::protocol(site, "its list goes on at another host"));
            }
            seen.insert(current);
            if seen.contains(&following) {
                return Err(Error::protocol(
                    site,
                    "its list leads back to a page that was read already",
                ));
            }
            url = Some(following);
        }
    }
    Ok(all)
}

/// The same URL with `page` one higher, where this page was full.
pub(super) fn next_number(fetched: &Fetched, found: usize, size: usize) -> Option<String> {
    if found < size {
        return None;
    }
    let mut url = fetched.url.clone();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let page = pairs
        .iter()
        .find(|(key, _)| key == "page")?
        .1
        .parse::<u64>()
        .ok()?;
    let mut query = url.query_pairs_mut();
    query.clear();
    for (key, value) in &pairs {
        match key.as_str() {
            "page" => query.append_pair("page", &(page + 1).to_string()),
            _ => query.append_pair(key, value),
        };
    }
    drop(query);
    Some(url.into())
}
