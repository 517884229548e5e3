//! What a run is told.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::features::chore::{Wish, bad};
use crate::kernel::audit::EVENT_TYPES;

/// Most hours, Harbor's number.
const MOST_HOURS: i64 = 240_000;
/// Kinds that the word `other` leaves out.
const OF_ARTIFACTS: &[&str] = &["create_artifact", "delete_artifact", "pull_artifact"];
/// All kinds but those.
const OTHER: &str = "other";

/// What a run is told; also the payload of its job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parameters {
    /// Older entries go; 0 or less: none.
    pub(super) audit_retention_hour: i64,
    /// Kinds of entries, joined by commas.
    pub(super) include_event_types: String,
    /// Only counts.
    #[serde(default)]
    pub(super) dry_run: bool,
}

impl Parameters {
    /// The kinds of entries that go.
    pub(super) fn kinds(&self) -> Vec<String> {
        let named: Vec<&str> = words(&self.include_event_types).collect();
        EVENT_TYPES
            .iter()
            .filter(|kind| named.contains(*kind) || named.contains(&OTHER) && !OF_ARTIFACTS.contains(kind))
            .map(|kind| (*kind).to_owned())
            .collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// Reads what a client sent, which must be there whatever is wished, and answers what is kept of it.
pub(super) fn checked(_: &Wish, sent: Option<&Map<String, Value>>) -> Result<Map<String, Value>> {
    let hours = sent
        .and_then(|sent| sent.get("audit_retention_hour"))
        .ok_or_else(|| {
            bad(format!(
                "parameters.audit_retention_hour is missing: hours that entries are kept, at most {MOST_HOURS}"
            ))
        })?;
    // Harbor's clients write -1 for "nothing goes".
    let hours = hours
        .as_i64()
        .filter(|hours| (-1..=MOST_HOURS).contains(hours))
        .ok_or_else(|| {
            bad(format!(
                "parameters.audit_retention_hour is {hours}, whole numbers from 0 to {MOST_HOURS} are allowed; 0 and -1 clear nothing"
            ))
        })?;
    let known = || format!("{}, {OTHER}", EVENT_TYPES.join(", "));
    let kinds = match sent.and_then(|sent| sent.get("include_event_types")) {
        None => {
            return Err(bad(format!(
                "parameters.include_event_types is missing: kinds joined by commas, of {}",
                known()
            )));
        }
        Some(Value::String(kinds)) => kinds,
        Some(other) => {
            return Err(bad(format!(
                "parameters.include_event_types is {other}, a text of kinds joined by commas is allowed"
            )));
        }
    };
    if let Some(word) = words(kinds).find(|word| *word != OTHER && !EVENT_TYPES.contains(word)) {
        return Err(bad(format!(
            "parameters.include_event_types names {:?}, allowed are {}",
            word.chars().take(64).collect::<String>(),
            known()
        )));
    }
    let dry_run = match sent.and_then(|sent| sent.get("dry_run")) {
        None => false,
        Some(Value::Bool(value)) => *value,
        Some(other) => {
            return Err(bad(format!(
                "parameters.dry_run is {other}, true and false are allowed"
            )));
        }
    };
    let mut kept = Map::new();
    kept.insert("audit_retention_hour".to_owned(), json!(hours));
    kept.insert("dry_run".to_owned(), json!(dry_run));
    kept.insert("include_event_types".to_owned(), json!(kinds));
    Ok(kept)
}
