//! Pull counts and times: gathered in memory, written every few seconds, so that a pull writes nothing.
//!
//! A process that is killed loses the last seconds of them; they are figures for people and for rules that
//! reckon in days.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::distribution::retry;
use crate::error::Result;
use crate::kernel::app::App;
use crate::kernel::periodic;

/// How often the figures are written.
pub(crate) const INTERVAL: Duration = Duration::from_secs(3);

/// Pulls that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct PullCounts(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    repositories: BTreeMap<i64, i64>,
    manifests: BTreeMap<i64, DateTime<Utc>>,
}

impl PullCounts {
    /// Notes one pull of a manifest.
    pub(crate) fn add(&self, repository_id: i64, manifest_id: i64, now: DateTime<Utc>) {
        let mut gathered = self.lock();
        *gathered.repositories.entry(repository_id).or_default() += 1;
        let time = gathered.manifests.entry(manifest_id).or_insert(now);
        *time = now.max(*time);
    }

    /// Writes what was gathered. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self, app: &App) -> Result<()> {
        let gathered = std::mem::take(&mut *self.lock());
        if gathered.repositories.is_empty() {
            return Ok(());
        }
        let outcome = write(app, &gathered).await;
        if outcome.is_err() {
            let mut current = self.lock();
            for (id, count) in gathered.repositories {
                *current.repositories.entry(id).or_default() += count;
            }
            for (id, time) in gathered.manifests {
                let current = current.manifests.entry(id).or_insert(time);
                *current = time.max(*current);
            }
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(app: &App, gathered: &Gathered) -> Result<()> {
    let (repositories, counts): (Vec<i64>, Vec<i64>) =
        gathered.repositories.iter().map(|(k, v)| (*k, *v)).unzip();
    let (manifests, times): (Vec<i64>, Vec<DateTime<Utc>>) =
        gathered.manifests.iter().map(|(k, v)| (*k, *v)).unzip();
    retry::on_conflict!(async {
        let mut tx = app.pool.begin().await?;
        store::add_pulls(&mut tx, (&repositories, &counts), (&manifests, &times)).await?;
        tx.commit().await?;
        Ok(())
    })
}

/// Writes the figures every few seconds until `stop`, and then once more.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let failure = "pull counts could not be written yet";
    periodic::every(INTERVAL, stop, failure, || app.pulls.flush(&app)).await;
}
