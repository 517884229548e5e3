//! `GET` and `HEAD manifests/<reference>` of a proxy cache.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use slipway_model::{Digest, Reference, Tag};

use super::Place;
use super::decide::{self, Decision, Told};
use super::fetch::{self, Kept};
use super::flights::Flights;
use super::notice::{Notice, Why};
use super::remote::{self, Failure, PATIENCE};
use super::store::{self, TagRow};
use crate::distribution::pull::manifest::{self, Pulled};
use crate::error::{Code, Result};

/// How long a client waits to hear whether what is cached is still so.
pub(crate) const BUDGET: Duration = Duration::from_secs(2);
/// How long an upstream that failed is not asked again about what is cached.
const REST: TimeDelta = TimeDelta::seconds(5);
/// Tags whose meaning is remembered.
const CAPACITY: u64 = 20_000;

type Checked = Result<Arc<TagRow>, Failure>;

/// What upstreams said of tags, and the questions that are under way.
pub(super) struct Tags {
    seen: Cache<String, (DateTime<Utc>, Checked)>,
    checks: Flights<Checked>,
}

impl Default for Tags {
    fn default() -> Self {
        Self {
            seen: Cache::new(CAPACITY),
            checks: Flights::default(),
        }
    }
}

/// A manifest, and what has to be said of it.
pub(crate) struct Served {
    /// The manifest.
    pub(crate) found: Arc<Pulled>,
    /// What has to be said.
    pub(crate) notice: Option<Notice>,
}

impl Served {
    fn plain(found: Arc<Pulled>) -> Self {
        Self { found, notice: None }
    }
}

/// Finds a manifest here or upstream.
pub(crate) async fn pull(place: &Place, reference: &Reference, head: bool) -> Result<Served> {
    let cached = find(place, reference, !head).await?;
    match (reference, cached) {
        // Content never changes under its digest: once it is here, nobody is asked.
        (Reference::Digest(_), Some(found)) => Ok(Served::plain(found)),
        (Reference::Digest(_), None) if head => look(place, reference).await,
        (Reference::Digest(_), None) => fetched(place, reference.clone(), None, None).await,
        (Reference::Tag(_), None) if !head => fetched(place, reference.clone(), None, None).await,
        (Reference::Tag(tag), cached) => by_tag(place, reference, tag, cached, head).await,
    }
}

/// What the tag stands for now, as far as the upstream says it in time.
async fn by_tag(
    place: &Place,
    reference: &Reference,
    tag: &Tag,
    cached: Option<Arc<Pulled>>,
    head: bool,
) -> Result<Served> {
    let asked = ask(place, tag, cached.is_some()).await;
    let told = match &asked {
        Some(Ok(row)) => Told::Is(&row.digest),
        Some(Err(failure)) => Told::Failed(failure),
        None => Told::Late,
    };
    let digest = cached.as_ref().and_then(|found| found.digest.to_str().ok());
    match (decide::decide(digest, &told, place.settings.follows), cached) {
        (Decision::Cached(why), Some(found)) => Ok(unconfirmed(found, why)),
        (Decision::Upstream, cached) => match asked {
            Some(Ok(row)) => moved(place, tag, &row, cached, head).await,
            _ => Err(Failure::Slow.answer(Code::ManifestUnknown, &what(place, reference))),
        },
        _ => {
            let failure = match asked {
                Some(Err(failure)) => failure,
                _ => Failure::Slow,
            };
            Err(failure.answer(Code::ManifestUnknown, &what(place, reference)))
        }
    }
}

/// The tag stands for something else upstream than here.
async fn moved(
    place: &Place,
    tag: &Tag,
    row: &TagRow,
    cached: Option<Arc<Pulled>>,
    head: bool,
) -> Result<Served> {
    let digest = Digest::parse(&row.digest).map_err(crate::error::Error::internal)?;
    // A HEAD is answered with what was said. The manifest is fetched when it is asked for.
    if head && let Some(size) = row.size.and_then(|size| u64::try_from(size).ok()) {
        let said = Pulled::passing(&digest, row.media_type.clone(), size, None)?;
        return Ok(Served::plain(Arc::new(said)));
    }
    fetched(place, Reference::Digest(digest), Some(tag.clone()), cached).await
}

/// Fetches a manifest. `cached` is served where that fails.
async fn fetched(
    place: &Place,
    reference: Reference,
    tag: Option<Tag>,
    cached: Option<Arc<Pulled>>,
) -> Result<Served> {
    let budget = if cached.is_some() { BUDGET } else { PATIENCE };
    let outcome = fetch::manifest(place, &reference, tag.clone(), budget).await;
    match (outcome, cached) {
        (Ok((found, Kept::Yes)), _) => Ok(Served::plain(found)),
        (Ok((_, Kept::WithoutTag)), Some(cached)) => {
            // A rule of the project holds the tag where it is: until the time is up nobody needs to ask again.
            if let (Some(tag), Ok(digest)) = (&tag, cached.digest.to_str()) {
                let held = TagRow {
                    digest: digest.to_owned(),
                    media_type: String::new(),
                    size: None,
                    checked_at: place.app.clock.now(),
                };
                remember(place, tag, held.checked_at, Ok(Arc::new(held)));
            }
            Ok(Served::plain(cached))
        }
        (Ok((found, Kept::WithoutTag)), None) => Ok(Served::plain(found)),
        (Ok((found, Kept::No)), _) => Ok(Served {
            found,
            notice: Some(Notice::NotKept.counted()),
        }),
        (Err(Failure::Slow), Some(cached)) => Ok(unconfirmed(cached, Some(Why::Late))),
        (Err(failure), Some(cached)) => {
            let why = Why::Failed(failure.word());
            if let Some(tag) = &tag {
                remember(place, tag, place.app.clock.now(), Err(failure));
            }
            Ok(unconfirmed(cached, Some(why)))
        }
        (Err(failure), None) => Err(failure.answer(Code::ManifestUnknown, &what(place, &reference))),
    }
}

/// A `HEAD` by digest of what is not here: nothing is kept for it.
async fn look(place: &Place, reference: &Reference) -> Result<Served> {
    let head = async {
        let side = remote::open(place).await?;
        remote::patiently(side.upstream.head_manifest(&side.name, reference)).await
    };
    match head.await {
        Ok(head) => {
            let Some(size) = head.size else {
                return fetched(place, reference.clone(), None, None).await;
            };
            let said = Pulled::passing(&head.digest, head.media_type, size, None)?;
            Ok(Served::plain(Arc::new(said)))
        }
        Err(failure) => Err(failure.answer(Code::ManifestUnknown, &what(place, reference))),
    }
}

fn unconfirmed(found: Arc<Pulled>, why: Option<Why>) -> Served {
    Served {
        found,
        notice: why.map(|why| Notice::Unconfirmed(why).counted()),
    }
}

/// What is cached.
pub(super) async fn find(
    place: &Place,
    reference: &Reference,
    with_bytes: bool,
) -> Result<Option<Arc<Pulled>>> {
    manifest::find(
        &place.app,
        &place.project,
        &place.repository,
        reference,
        with_bytes,
    )
    .await
}

/// What the upstream says of a tag, from memory while that is fresh. Nothing where it takes too long; the question
/// goes on, and whoever comes next finds the answer.
async fn ask(place: &Place, tag: &Tag, cached: bool) -> Option<Checked> {
    let tags = &place.app.proxy.tags;
    let key = place.key(tag);
    let now = place.app.clock.now();
    match tags.seen.get(&key) {
        Some((at, Ok(row))) if now - at < place.settings.ttl => return Some(Ok(row)),
        Some((at, Err(failure))) if cached && now - at < REST => return Some(Err(failure)),
        _ => {}
    }
    let flight = tags.checks.join(key, || check(place.clone(), tag.clone()));
    let budget = if cached { BUDGET } else { PATIENCE };
    flight.within(budget).await
}

async fn check(place: Place, tag: Tag) -> Checked {
    let checked = check_now(&place, &tag).await.map(Arc::new);
    let word = checked.as_ref().map_or_else(Failure::word, |_| "answered");
    metrics::counter!("slipway_proxy_checks_total", "outcome" => word).increment(1);
    let at = match &checked {
        Ok(row) => row.checked_at,
        Err(failure) => {
            tracing::warn!(repository = %place.repository, %tag, %failure, "an upstream could not say what a tag stands for");
            place.app.clock.now()
        }
    };
    remember(&place, &tag, at, checked.clone());
    checked
}

async fn check_now(place: &Place, tag: &Tag) -> Result<TagRow, Failure> {
    let (now, here) = (
        place.app.clock.now(),
        (place.project.id, place.repository.as_str()),
    );
    {
        // Another process may have asked.
        let mut conn = place.app.pool.acquire().await?;
        let since = now - place.settings.ttl;
        if let Some(row) = store::tag(&mut conn, here, tag.as_str(), since).await? {
            return Ok(row);
        }
    }
    let side = remote::open(place).await?;
    let reference = Reference::Tag(tag.clone());
    let head = remote::patiently(side.upstream.head_manifest(&side.name, &reference)).await?;
    let row = TagRow {
        digest: head.digest.to_string(),
        media_type: head.media_type,
        size: head.size.and_then(|size| i64::try_from(size).ok()),
        checked_at: now,
    };
    note(place, tag, &row).await?;
    Ok(row)
}

/// Writes down what the upstream said, for the other processes.
pub(super) async fn note(place: &Place, tag: &Tag, row: &TagRow) -> Result<(), Failure> {
    let here = (place.project.id, place.repository.as_str());
    let mut conn = place.app.pool.acquire().await?;
    store::put_tag(&mut conn, here, tag.as_str(), row).await?;
    Ok(())
}

/// Remembers it for this one.
pub(super) fn remember(place: &Place, tag: &Tag, at: DateTime<Utc>, checked: Checked) {
    place.app.proxy.tags.seen.insert(place.key(tag), (at, checked));
}

fn what(place: &Place, reference: &Reference) -> String {
    format!("the manifest {reference} of {}", place.repository)
}
