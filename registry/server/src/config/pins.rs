//! Settings of Harbor's API that the file or the environment decides: the API shows them and does not change them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use serde_yaml::Value;

use super::build::{Result, wrong};
use super::keys::KEYS;
use super::tree::Tree;
use crate::kernel::settings::Pin;
use crate::kernel::settings::table::{self, Kind, Refusal};

/// The section.
const SECTION: &str = "settings.";

/// By Harbor's name.
pub(super) type Pins = BTreeMap<&'static str, Pin>;

/// Where a path is set, in words.
pub(super) fn origin(tree: &Tree, path: &str) -> Option<String> {
    tree.origin(path)
}

/// Reads the section `settings`.
pub(super) fn read(tree: &mut Tree) -> Result<Pins> {
    let mut pins = Pins::new();
    for key in KEYS {
        let Some(setting) = key.path.strip_prefix(SECTION).and_then(table::find) else {
            continue;
        };
        let Some(origin) = tree.origin(key.path) else {
            continue;
        };
        let Some(entry) = tree.take(key.path) else {
            continue;
        };
        let value = match (&entry.value, &setting.kind) {
            (Value::String(text), Kind::Flag(_) | Kind::Number(..)) => {
                serde_json::from_str(text).unwrap_or_else(|_| json!(text))
            }
            (Value::Bool(flag), _) => json!(flag),
            (Value::Number(number), _) => number.as_i64().map_or(Json::Null, Json::from),
            (Value::String(text), _) => json!(text),
            _ => return Err(wrong(&entry, "expected one value")),
        };
        setting.check(&value).map_err(|refusal| {
            let (Refusal::Type(message) | Refusal::Value(message)) = refusal;
            wrong(&entry, message)
        })?;
        pins.insert(setting.key, Pin { value, origin });
    }
    Ok(pins)
}
