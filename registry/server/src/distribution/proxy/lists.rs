//! Lists of a proxy cache: what is here and what the upstream has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use serde_json::Value;
use slipway_model::Digest;
use slipway_upstream::Error as UpstreamError;

use super::Place;
use super::flights::Flights;
use super::manifest::BUDGET;
use super::notice::{Notice, Why};
use super::remote::{self, Failure, PATIENCE};
use crate::distribution::list::{self, Page};
use crate::error::{Code, Result};

/// Most tags of a repository that are asked for; with more the upstream is of no use.
const MOST_TAGS: usize = 100_000;
/// Lists that are remembered, by their entries.
const CAPACITY: u64 = 200_000;

/// Names of tags, or descriptors of referrers by digest.
type List = Arc<BTreeMap<String, Value>>;
type Listed = Result<List, Failure>;

/// What upstreams listed lately.
pub(super) struct Lists {
    seen: Cache<String, (DateTime<Utc>, List)>,
    flights: Flights<Listed>,
}

impl Default for Lists {
    fn default() -> Self {
        let weigh =
            |_: &String, (_, list): &(DateTime<Utc>, List)| u32::try_from(list.len() + 1).unwrap_or(u32::MAX);
        Self {
            seen: Cache::builder().max_capacity(CAPACITY).weigher(weigh).build(),
            flights: Flights::default(),
        }
    }
}

/// The tags here and upstream, behind `last`, in the order of their bytes.
pub(crate) async fn tags(
    place: &Place,
    limit: Option<u32>,
    last: &str,
) -> Result<(Page<String>, Option<Notice>)> {
    let limit = limit.unwrap_or(list::LARGEST_PAGE).min(list::LARGEST_PAGE);
    let here = list::tags(
        &place.app,
        &place.project,
        &place.repository,
        Some(limit.saturating_add(1)),
        last,
    );
    let here = match here.await {
        Ok(page) => Some(page.entries),
        Err(error) if error.code() == Code::NameUnknown => None,
        Err(error) => return Err(error),
    };
    let upstream = ask(place, place.key("tags"), here.is_some(), list_tags).await;
    let (there, notice) = match (upstream, &here) {
        (Ok(list), _) => (list, None),
        (Err(failure), Some(_)) => (List::default(), Some(told(&failure))),
        (Err(failure), None) => {
            return Err(failure.answer(
                Code::NameUnknown,
                &format!("the list of tags of {}", place.repository),
            ));
        }
    };
    let mut names: BTreeSet<String> = here.unwrap_or_default().into_iter().collect();
    let behind = there.range::<str, _>((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded));
    names.extend(behind.take(limit as usize + 1).map(|(name, _)| name.clone()));
    Ok((list::page(names.into_iter().collect(), limit), notice))
}

/// What refers to `subject` here and, where the project says so, upstream, in the order of the digests.
pub(crate) async fn referrers(
    place: &Place,
    subject: &Digest,
    artifact_type: Option<&str>,
    last: &str,
) -> Result<(Page<Value>, Option<Notice>)> {
    let here = list::referrers(
        &place.app,
        &place.project,
        &place.repository,
        subject,
        artifact_type,
        last,
    )
    .await?;
    if !place.settings.referrers {
        return Ok((here, None));
    }
    let wanted = subject.clone();
    let key = place.key(format_args!("referrers {subject}"));
    let asked = ask(place, key, true, |place| list_referrers(place, wanted)).await;
    let (there, notice) = match asked {
        Ok(list) => (list, None),
        Err(failure) => (List::default(), Some(told(&failure))),
    };
    let of_type = |entry: &&Value| artifact_type.is_none_or(|wanted| entry["artifactType"] == wanted);
    let behind = there.range::<str, _>((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded));
    let more = behind.map(|(_, entry)| entry).filter(of_type).cloned();
    Ok((list::joined(here, more.collect()), notice))
}

fn told(failure: &Failure) -> Notice {
    Notice::Unconfirmed(Why::Failed(failure.word())).counted()
}

/// What the upstream lists, from memory while that is fresh.
async fn ask<F>(place: &Place, key: String, cached: bool, list: impl FnOnce(Place) -> F) -> Listed
where
    F: Future<Output = Listed> + Send + 'static,
{
    let lists = &place.app.proxy.lists;
    let now = place.app.clock.now();
    if let Some((at, list)) = lists.seen.get(&key)
        && now - at < place.settings.ttl
    {
        return Ok(list);
    }
    let flight = lists.flights.join(key.clone(), || {
        let (place, work) = (place.clone(), list(place.clone()));
        async move {
            let listed = work.await;
            if let Ok(list) = &listed {
                place.app.proxy.lists.seen.insert(key, (now, list.clone()));
            }
            listed
        }
    });
    let budget = if cached { BUDGET } else { PATIENCE };
    flight.within(budget).await.unwrap_or(Err(Failure::Slow))
}

async fn list_tags(place: Place) -> Listed {
    let side = remote::open(&place).await?;
    let tags = remote::patiently(side.upstream.tags(&side.name, MOST_TAGS)).await?;
    let names = tags.into_iter().map(|tag| (tag.to_string(), Value::Null));
    Ok(Arc::new(names.collect()))
}

async fn list_referrers(place: Place, subject: Digest) -> Listed {
    let side = remote::open(&place).await?;
    let found = match remote::patiently(side.upstream.referrers(&side.name, &subject, None)).await {
        Err(Failure::Upstream(UpstreamError::NotFound { .. })) => Vec::new(),
        found => found?,
    };
    let entry = |referrer: slipway_upstream::client::Referrer| {
        let entry = serde_json::to_value(&referrer).map_err(Failure::ours)?;
        Ok((referrer.digest.to_string(), entry))
    };
    found
        .into_iter()
        .map(entry)
        .collect::<Result<_, Failure>>()
        .map(Arc::new)
}
