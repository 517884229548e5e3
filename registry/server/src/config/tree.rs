//! From file and environment to one flat map: dotted path → value and where it was written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_yaml::Value;

use super::error::ConfigError;
use super::keys::{self, Kind};

/// A value and the words for where it stands.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) origin: String,
    /// The key as its source writes it.
    pub(super) key: String,
}

/// All that was set.
#[derive(Default)]
pub(super) struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Reads both sources; the environment wins.
    pub(super) fn read(
        file: Option<(PathBuf, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut tree = Self::default();
        if let Some((path, text)) = file {
            tree.add_file(&format!("configuration file {}", path.display()), &text)?;
        }
        tree.add_environment(environment)?;
        Ok(tree)
    }

    /// Takes what was set under a path.
    pub(super) fn take(&mut self, path: &str) -> Option<Entry> {
        self.entries.remove(path)
    }

    /// Where a path is set, in words.
    pub(super) fn origin(&self, path: &str) -> Option<String> {
        let entry = self.entries.get(path)?;
        Some(format!("{} ({})", entry.key, entry.origin))
    }

    /// Is anything set under this path or below it?
    pub(super) fn has_below(&self, path: &str) -> bool {
        self.entries
            .keys()
            .any(|key| key == path || key.starts_with(&format!("{path}.")))
    }

    fn add_file(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        let value: Value = serde_yaml::from_str(text).map_err(|error| ConfigError::Syntax {
            origin: origin.to_owned(),
            message: error.to_string(),
        })?;
        match value {
            Value::Null => Ok(()),
            Value::Mapping(_) => self.flatten(origin, "", value),
            _ => Err(ConfigError::Syntax {
                origin: origin.to_owned(),
                message: "expected keys and values at the top".to_owned(),
            }),
        }
    }

    fn flatten(&mut self, origin: &str, path: &str, value: Value) -> Result<(), ConfigError> {
        if let Some((_, kind)) = keys::paths().find(|(known, _)| known == path) {
            // `memory: {}` reads as well as `memory: true`.
            let value = match value {
                Value::Mapping(map) if kind == Kind::Flag && map.is_empty() => Value::Bool(true),
                other => other,
            };
            if !value.is_null() {
                let entry = Entry {
                    value,
                    origin: origin.to_owned(),
                    key: path.to_owned(),
                };
                self.entries.insert(path.to_owned(), entry);
            }
            return Ok(());
        }
        let is_section =
            path.is_empty() || keys::paths().any(|(known, _)| known.starts_with(&format!("{path}.")));
        match value {
            Value::Mapping(map) if is_section => {
                for (name, value) in map {
                    let name = match name {
                        Value::String(name) => name,
                        other => serde_yaml::to_string(&other)
                            .unwrap_or_default()
                            .trim()
                            .to_owned(),
                    };
                    let below = if path.is_empty() {
                        name
                    } else {
                        format!("{path}.{name}")
                    };
                    self.flatten(origin, &below, value)?;
                }
                Ok(())
            }
            Value::Null if is_section => Ok(()),
            _ if is_section => Err(ConfigError::Value {
                origin: origin.to_owned(),
                key: path.to_owned(),
                message: "this is a section: write keys and values below it".to_owned(),
            }),
            _ => {
                let known: Vec<String> = keys::paths().map(|(known, _)| known).collect();
                Err(ConfigError::UnknownKey {
                    origin: origin.to_owned(),
                    nearest: keys::nearest(path, known.iter().map(String::as_str)),
                    key: path.to_owned(),
                })
            }
        }
    }

    fn add_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let known: BTreeMap<String, (String, Kind)> = keys::paths()
            .map(|(path, kind)| (keys::variable(&path), (path, kind)))
            .collect();
        for (name, text) in environment {
            if !name.starts_with(keys::PREFIX) || keys::ARGUMENTS.contains(&name.as_str()) {
                continue;
            }
            let Some((path, kind)) = known.get(&name) else {
                if is_service_link(&name) {
                    continue;
                }
                return Err(ConfigError::UnknownKey {
                    origin: "environment".to_owned(),
                    nearest: keys::nearest(&name, known.keys().map(String::as_str)),
                    key: name,
                });
            };
            // An empty variable is one that is not set: compose files and charts write them so.
            if text.is_empty() {
                continue;
            }
            let value = match kind {
                Kind::Flag => serde_yaml::from_str(&text).unwrap_or(Value::String(text)),
                Kind::Number => text.parse::<i64>().map_or(Value::String(text), Value::from),
                Kind::List => text.split(',').map(|item| Value::from(item.trim())).collect(),
                Kind::Text | Kind::Secret | Kind::Duration | Kind::Address => Value::String(text),
            };
            let entry = Entry {
                value,
                origin: "environment".to_owned(),
                key: name,
            };
            self.entries.insert(path.clone(), entry);
            // The other form of a secret, if the file has it, gives way.
            match path.strip_suffix(keys::FILE_SUFFIX) {
                Some(inline) => self.entries.remove(inline),
                None => self.entries.remove(&format!("{path}{}", keys::FILE_SUFFIX)),
            };
        }
        Ok(())
    }
}

/// What Kubernetes puts into every container for a Service whose name starts with `slipway-`.
fn is_service_link(name: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT")
        || name
            .split_once("_PORT_")
            .is_some_and(|(_, rest)| is_port(rest.split('_').next().unwrap_or_default()))
}
