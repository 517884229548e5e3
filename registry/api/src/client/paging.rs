//! Lists, page by page.

use std::collections::VecDeque;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;

use super::transport::{Request, Transport};
use super::{Client, Result};

/// Entries a page: the most that Harbor gives.
const PAGE_SIZE: usize = 100;

/// Which entries of a list, and in which order; all, in the list's own order, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Harbor's `q`, such as `name=~app` or `tags=v1`.
    pub q: Option<String>,
    /// Harbor's `sort`, such as `name` or `-creation_time`.
    pub sort: Option<String>,
}

/// Reads a list to its end.
pub async fn collect<T>(list: impl Stream<Item = Result<T>>) -> Result<Vec<T>> {
    list.try_collect().await
}

struct Pages<T> {
    waiting: VecDeque<T>,
    next: Option<usize>,
}

impl Client {
    /// Streams a list that answers to `page` and `page_size`.
    pub(super) fn pages<T: DeserializeOwned + Send + 'static>(
        &self,
        request: impl Fn() -> Request + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<T>> {
        let transport = self.transport.clone();
        let first = Pages {
            waiting: VecDeque::new(),
            next: Some(1),
        };
        futures::stream::try_unfold(
            (transport, request, first),
            |(transport, request, mut pages)| async move {
                while pages.waiting.is_empty() {
                    let Some(page) = pages.next else { return Ok(None) };
                    pages = fetch(&transport, request(), page).await?;
                }
                Ok(pages
                    .waiting
                    .pop_front()
                    .map(|entry| (entry, (transport, request, pages))))
            },
        )
        .boxed()
    }
}

async fn fetch<T: DeserializeOwned>(
    transport: &Transport,
    request: Request,
    page: usize,
) -> Result<Pages<T>> {
    let answer = transport
        .send(request.query("page", page).query("page_size", PAGE_SIZE))
        .await?;
    let waiting: VecDeque<T> = answer.json::<Option<VecDeque<T>>>()?.unwrap_or_default();
    let total = answer
        .headers
        .get("x-total-count")
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // Without a total the first short page is the last one; with one, an empty page ends it too.
    let more = match total {
        Some(total) => !waiting.is_empty() && page * PAGE_SIZE < total,
        None => waiting.len() == PAGE_SIZE,
    };
    Ok(Pages {
        waiting,
        next: more.then_some(page + 1),
    })
}
