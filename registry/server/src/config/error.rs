//! What can be wrong with the settings, in sentences that name the key.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the settings cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    /// The file is not there or not readable.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no YAML.
    #[error("{origin} is not valid YAML: {message}")]
    Syntax {
        /// The file.
        origin: String,
        /// The parser's words.
        message: String,
    },
    /// A key that nobody knows.
    #[error("{origin}: unknown key {key:?}{}", hint(.nearest))]
    UnknownKey {
        /// The file, or "environment".
        origin: String,
        /// As written.
        key: String,
        /// The nearest known one.
        nearest: Option<String>,
    },
    /// A value that cannot be used.
    #[error("{origin}: {key}: {message}")]
    Value {
        /// The file, or "environment".
        origin: String,
        /// The key, as its source writes it.
        key: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// Keys that do not go together, or one that is missing.
    #[error("{0}")]
    Whole(String),
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |key| format!("; did you mean {key:?}?"))
}
