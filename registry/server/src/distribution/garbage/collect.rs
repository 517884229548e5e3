//! The removal of blobs that nothing refers to any more.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::task::JoinSet;

use crate::distribution::{content, retry};
use crate::error::{Error, Result};
use crate::kernel::app::App;

use super::{delete_objects, store};

/// How many reviews are decided in one transaction: a push that needs one of their blobs waits for its end.
const REVIEWS: i64 = 100;
/// How many objects are deleted between two looks at whether to stop.
const OBJECTS: i64 = 128;
/// How many links are removed by one statement: of more it would only be told that something changed, and every process
/// would forget all that it knows (`migrations/0020_changes.sql`).
const LINKS: usize = 100;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// Reviews that were decided.
    pub(crate) reviewed: u64,
    /// Blobs whose rows were removed.
    pub(crate) removed: u64,
    /// Objects whose deletion the store confirmed.
    pub(crate) deleted: u64,
    /// Bytes that the store confirmed as freed.
    pub(crate) freed_bytes: u64,
    /// Objects that the store refused to delete; they are tried again.
    pub(crate) failed: u64,
    /// Reviews that are left: not due yet, or of blobs that somebody was using.
    pub(crate) waiting: u64,
}

/// What a run would do now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Blobs that would be deleted.
    pub(crate) blobs: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// What is too young for that.
    pub(crate) young: Young,
}

/// Blobs that no manifest refers to and whose time has not come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Young {
    /// How many.
    pub(crate) count: u64,
    /// When the first of these is due.
    pub(crate) next: Option<DateTime<Utc>>,
}

/// Tells what waits for its time.
pub(crate) async fn young(app: &App) -> Result<Young> {
    let mut conn = app.pool.acquire().await?;
    look_at_young(&mut conn, app.clock.now()).await
}

async fn look_at_young(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Young> {
    let (young, next) = store::young(conn, now).await?;
    Ok(Young {
        count: count(young),
        next,
    })
}

/// Tells what [`collect_blobs`] would delete, if these manifests were removed before. It looks at all in one moment and locks
/// nothing.
pub(crate) async fn plan(app: &App, manifests: &[i64]) -> Result<Plan> {
    let mut tx = app.listing().await?;
    let now = app.clock.now();
    // What a removal leaves over is kept for the grace period, so only without one it goes in the same run.
    let manifests = if app.config.gc_grace.is_zero() {
        manifests
    } else {
        &[]
    };
    let (blobs, bytes) = store::due_blobs(&mut tx, now, manifests).await?;
    let (doomed, more) = store::count_doomed(&mut tx).await?;
    let young = look_at_young(&mut tx, now).await?;
    Ok(Plan {
        blobs: count(blobs + doomed),
        bytes: count(bytes.saturating_add(more)),
        young,
    })
}

/// Decides the reviews that are due now and deletes what is doomed, until nothing is left or `stopped` says so.
pub(crate) async fn collect_blobs(app: &App, stopped: impl Fn() -> bool) -> Result<Collected> {
    collect_watched(app, 1, |_| stopped()).await
}

/// As [`collect_blobs`], with so many deletions of [`OBJECTS`] objects at once; `watch` is told of what was done and says whether
/// to stop.
pub(crate) async fn collect_watched(
    app: &App,
    workers: usize,
    watch: impl Fn(Collected) -> bool,
) -> Result<Collected> {
    let mut done = Collected::default();
    let now = app.clock.now();
    let mut last = None;
    loop {
        let due = {
            let mut conn = app.pool.acquire().await?;
            store::due(&mut conn, now, last.as_ref(), REVIEWS).await?
        };
        if due.is_empty() {
            break;
        }
        if watch(done) {
            return Ok(done);
        }
        last = due.last().cloned();
        let digests: Vec<String> = due.into_iter().map(|due| due.digest).collect();
        let (reviewed, removed) = retry::on_conflict!(review(app, now, &digests))?;
        done.reviewed += reviewed;
        done.removed += removed;
    }
    sweep_doomed(app, &mut done, workers, watch).await?;
    let (waiting, next) = store::waiting(&mut *app.pool.acquire().await?).await?;
    done.waiting = count(waiting);
    if let Some(next) = next {
        tracing::info!(waiting, %next, "blobs that are too young to be removed wait for their time");
    }
    Ok(done)
}

/// Decides reviews in one transaction; returns how many, and how many blobs' rows are gone with them.
///
/// What somebody else holds is in use and left to the next run: nobody is waited for while blobs are locked, but for the
/// projects' counts.
async fn review(app: &App, now: DateTime<Utc>, digests: &[String]) -> Result<(u64, u64)> {
    let mut tx = app.pool.begin().await?;
    let blobs = store::lock_blobs(&mut tx, digests).await?;
    let links = store::lock_free_links(&mut tx, now, &blobs).await?;
    let mut uncounted = Vec::new();
    for links in links.chunks(LINKS) {
        let removed = store::remove_free_links(&mut tx, links).await?;
        uncounted.extend(
            removed
                .into_iter()
                .filter(|link| link.counted)
                .map(|link| (link.project_id, link.digest)),
        );
    }
    content::uncount_all(&mut tx, uncounted).await?;
    let removed = store::doom_unlinked(&mut tx, now, &blobs).await?;
    let reviews = store::lock_reviews(&mut tx, digests).await?;
    let reviewed = store::settle_reviews(&mut tx, &reviews, &blobs).await?;
    tx.commit().await?;
    Ok((count(reviewed), count(removed)))
}

fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or(0)
}

/// Deletes every doomed object. One that the store refuses does not hold the others up.
async fn sweep_doomed(
    app: &App,
    done: &mut Collected,
    workers: usize,
    watch: impl Fn(Collected) -> bool,
) -> Result<()> {
    let mut after = Some(String::new());
    let mut deletions = JoinSet::new();
    loop {
        while deletions.len() < workers.max(1)
            && let Some(from) = after.take()
        {
            let keys = {
                let mut conn = app.pool.acquire().await?;
                store::doomed(&mut conn, &from, OBJECTS).await?
            };
            after = keys.last().cloned();
            if !keys.is_empty() {
                let app = app.clone();
                deletions.spawn(async move { delete_objects(&app, keys).await });
            }
        }
        if watch(*done) {
            return Ok(());
        }
        let Some(swept) = deletions.join_next().await else {
            return Ok(());
        };
        let swept = swept.map_err(Error::internal)??;
        done.deleted += swept.deleted;
        done.freed_bytes += swept.freed_bytes;
        done.failed += swept.failed;
    }
}
