//! Whether requests should come here: the database and the blob store answer, and we are not about to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::app::App;
use super::store;

/// An answer is used for this long.
const FRESH: Duration = Duration::from_secs(1);
/// A check that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(3);

/// One thing that must be well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// `database` or `blobs`.
    pub(crate) name: &'static str,
    /// Why it is not.
    pub(crate) problem: Option<String>,
}

/// The state behind `/readyz`.
#[derive(Default)]
pub(crate) struct Readiness {
    draining: AtomicBool,
    last: Mutex<Option<(Instant, Vec<Check>)>>,
}

impl Readiness {
    /// From now on we are not ready, whatever the checks say.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Are we about to end?
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

/// Checks the database and the blob store, at most once a second.
pub(crate) async fn checks(app: &App) -> Vec<Check> {
    let mut last = app.ready.last.lock().await;
    if let Some((at, checks)) = &*last
        && at.elapsed() < FRESH
    {
        return checks.clone();
    }
    let database = async {
        let mut conn = app.pool.acquire().await?;
        store::ping(&mut conn).await
    };
    let (database, blobs) = tokio::join!(
        tokio::time::timeout(PATIENCE, database),
        tokio::time::timeout(PATIENCE, app.blobs.health()),
    );
    let checks = vec![
        Check {
            name: "database",
            problem: problem(database.map(|result| result.map_err(|e| e.to_string()))),
        },
        Check {
            name: "blobs",
            problem: problem(blobs.map(|result| result.map_err(|e| e.to_string()))),
        },
    ];
    *last = Some((Instant::now(), checks.clone()));
    checks
}

fn problem(result: Result<Result<(), String>, tokio::time::error::Elapsed>) -> Option<String> {
    match result {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(_) => Some("does not answer".to_owned()),
    }
}
