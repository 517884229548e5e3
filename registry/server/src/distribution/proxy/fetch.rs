//! Fetching a manifest, and keeping it as if it had been pushed. What it points at comes when it is asked for.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use chrono::TimeDelta;
use slipway_model::{Digest, Reference, Tag};

use super::Place;
use super::flights::Flights;
use super::manifest::{find, note, remember};
use super::remote::{self, Failure};
use super::store::{self, TagRow};
use crate::distribution::pull::manifest::Pulled;
use crate::distribution::push::{self, PutManifest};
use crate::error::{Code, Error};
use crate::kernel::caller::Caller;
use crate::kernel::context::Context;

/// A tag that a client asked about this lately is set on the manifest that he then fetches by its digest.
const ASKED_LATELY: TimeDelta = TimeDelta::minutes(10);

/// What became of a fetched manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is recorded.
    Yes,
    /// It is, but a rule of the project holds the tag where it was.
    WithoutTag,
    /// The quota is full.
    No,
}

type Fetched = Result<(Arc<Pulled>, Kept), Failure>;

/// Fetches that are under way.
#[derive(Default)]
pub(super) struct Fetches(Flights<Fetched>);

/// A manifest of the upstream. `tag` is set on it; one that is cached already is not fetched again for that. It goes on where it
/// takes longer than is waited here.
pub(super) async fn manifest(
    place: &Place,
    reference: &Reference,
    tag: Option<Tag>,
    budget: Duration,
) -> Fetched {
    let key = place.key(format_args!(
        "{reference} {}",
        tag.as_ref().map_or("", Tag::as_str)
    ));
    let flight = place.app.proxy.fetches.0.join(key, || {
        let (place, reference) = (place.clone(), reference.clone());
        async move {
            let fetched = fetch(&place, &reference, tag).await;
            let word = fetched.as_ref().map_or_else(Failure::word, |_| "answered");
            metrics::counter!("slipway_proxy_fetches_total", "kind" => "manifest", "outcome" => word)
                .increment(1);
            fetched
        }
    });
    flight.within(budget).await.unwrap_or(Err(Failure::Slow))
}

/// A manifest on its way into the cache.
struct Arriving {
    digest: Digest,
    media_type: HeaderValue,
    bytes: Bytes,
}

async fn fetch(place: &Place, reference: &Reference, tag: Option<Tag>) -> Fetched {
    let arriving = match cached(place, reference).await? {
        Some(arriving) => arriving,
        None => ask(place, reference).await?,
    };
    let tags = match (reference, tag) {
        (Reference::Tag(tag), _) => {
            told(place, tag, &arriving).await?;
            vec![tag.to_string()]
        }
        (Reference::Digest(_), tag) => {
            let since = place.app.clock.now() - ASKED_LATELY;
            let here = (place.project.id, place.repository.as_str());
            let mut conn = place.app.pool.acquire().await?;
            let mut tags = store::tags_of(&mut conn, here, arriving.digest.as_str(), since).await?;
            tags.extend(tag.map(|tag| tag.to_string()));
            tags
        }
    };
    let kept = keep(place, &arriving, tags).await?;
    let by_digest = Reference::Digest(arriving.digest.clone());
    if kept != Kept::No
        && let Some(found) = find(place, &by_digest, true).await?
    {
        return Ok((found, kept));
    }
    let media_type = arriving.media_type.to_str().unwrap_or_default().to_owned();
    let size = arriving.bytes.len() as u64;
    let passing = Pulled::passing(&arriving.digest, media_type, size, Some(arriving.bytes))?;
    Ok((Arc::new(passing), kept))
}

/// What is here already under its digest: a tag moves to it.
async fn cached(place: &Place, reference: &Reference) -> Result<Option<Arriving>, Failure> {
    let Reference::Digest(digest) = reference else {
        return Ok(None);
    };
    let found = find(place, reference, true).await?;
    Ok(found.and_then(|found| {
        Some(Arriving {
            digest: digest.clone(),
            media_type: found.media_type.clone(),
            bytes: found.bytes.clone()?,
        })
    }))
}

async fn ask(place: &Place, reference: &Reference) -> Result<Arriving, Failure> {
    let side = remote::open(place).await?;
    let read = remote::patiently(side.upstream.get_manifest(&side.name, reference)).await?;
    Ok(Arriving {
        digest: read.digest,
        media_type: HeaderValue::try_from(read.media_type)
            .map_err(|error| Failure::Unusable(error.to_string()))?,
        bytes: read.bytes,
    })
}

/// A manifest that was fetched by its tag tells what the tag stands for.
async fn told(place: &Place, tag: &Tag, arriving: &Arriving) -> Result<(), Failure> {
    let row = TagRow {
        digest: arriving.digest.to_string(),
        media_type: arriving.media_type.to_str().unwrap_or_default().to_owned(),
        size: i64::try_from(arriving.bytes.len()).ok(),
        checked_at: place.app.clock.now(),
    };
    note(place, tag, &row).await?;
    remember(place, tag, row.checked_at, Ok(Arc::new(row)));
    Ok(())
}

async fn keep(place: &Place, arriving: &Arriving, tags: Vec<String>) -> Result<Kept, Failure> {
    let has_tags = !tags.is_empty();
    match put(place, arriving, tags).await {
        Err(error) if error.code() == Code::Denied && has_tags => {
            // Either the tag is held or the quota is full; without the tag only one of them refuses.
            match put(place, arriving, Vec::new()).await {
                Err(error) if error.code() == Code::Denied => Ok(Kept::No),
                outcome => judged(outcome).map(|()| Kept::WithoutTag),
            }
        }
        Err(error) if error.code() == Code::Denied => Ok(Kept::No),
        outcome => judged(outcome).map(|()| Kept::Yes),
    }
}

fn judged(outcome: Result<(), Error>) -> Result<(), Failure> {
    outcome.map_err(|error| match error.code() {
        Code::ManifestInvalid | Code::DigestInvalid | Code::PayloadTooLarge => {
            Failure::Unusable(format!("{error:?}"))
        }
        _ => Failure::ours(error),
    })
}

async fn put(place: &Place, arriving: &Arriving, tags: Vec<String>) -> Result<(), Error> {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, arriving.media_type.clone())]);
    let request = PutManifest {
        project: &place.project,
        repository: &place.repository,
        reference: &Reference::Digest(arriving.digest.clone()),
        more_tags: tags,
        headers: &headers,
        bytes: arriving.bytes.clone(),
        cached: true,
    };
    let pushed = push::put(&place.app, &nobody(), request).await?;
    if pushed.moved {
        place.app.coherence.settle().await;
    }
    Ok(())
}

/// Who is said to have done what the cache does by itself.
fn nobody() -> Context {
    Context {
        caller: Caller::System {
            name: "proxy-cache".to_owned(),
        },
        token: None,
        credential: None,
        client_ip: None,
        user_agent: None,
        names_only: false,
    }
}
