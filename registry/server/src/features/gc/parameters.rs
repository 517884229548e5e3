//! What a run is told.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::features::chore::{Wish, bad};
use crate::kernel::app::App;

/// Most that a run does at once, Harbor's number.
const MOST_WORKERS: u64 = 10;

/// What a run is told; also the payload of its job.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Parameters {
    /// Artifacts without a tag go before, as far as retention rules let them.
    #[serde(default)]
    pub(super) delete_untagged: bool,
    /// Tells only what would go.
    #[serde(default)]
    pub(super) dry_run: bool,
    /// How many pages of objects are deleted at once.
    pub(super) workers: u64,
}

/// Reads what a client sent and answers what is kept of it: everything for a run, a dry run only where it is one for a schedule.
pub(super) fn checked(
    app: &App,
    wish: &Wish,
    sent: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>> {
    let switch = |name: &str| match sent.and_then(|sent| sent.get(name)) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(bad(format!(
            "parameters.{name} is {other}, true and false are allowed"
        ))),
    };
    let workers = match sent.and_then(|sent| sent.get("workers")) {
        None => 1,
        Some(value) => value
            .as_u64()
            .filter(|workers| (1..=MOST_WORKERS).contains(workers))
            .ok_or_else(|| {
                bad(format!(
                    "parameters.workers is {value}, whole numbers from 1 to {MOST_WORKERS} are allowed"
                ))
            })?,
    };
    let (untagged, tag, dry_run) = (
        switch("delete_untagged")?,
        // Tags stand in the database only; there is nothing more to delete of them.
        switch("delete_tag")?,
        switch("dry_run")?,
    );
    let mut kept = Map::new();
    kept.insert("delete_untagged".to_owned(), json!(untagged));
    kept.insert("delete_tag".to_owned(), json!(tag));
    kept.insert("workers".to_owned(), json!(workers));
    if dry_run || matches!(wish, Wish::Manual) {
        kept.insert("dry_run".to_owned(), json!(dry_run));
    }
    if matches!(wish, Wish::Manual) {
        kept.insert("time_window".to_owned(), window(app));
    }
    Ok(kept)
}

/// The guard in hours: for so long what lost its last reference is kept.
pub(super) fn window(app: &App) -> Value {
    let seconds = app.config.gc_grace.as_secs();
    match seconds % 3600 {
        0 => json!(seconds / 3600),
        _ => json!(app.config.gc_grace.as_secs_f64() / 3600.0),
    }
}
