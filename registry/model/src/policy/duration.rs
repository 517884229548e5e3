use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no duration: write a whole number with a unit out of s, m, h, d and w, such as 10m, 24h or 90d"
)]
pub struct DurationError(String);

/// A span of time as people write it: `30s`, `10m`, `24h`, `90d`, `2w`, or several in a row (`1h30m`).
/// Kept as it was written. A day has 24 hours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HumanDuration(String);

impl HumanDuration {
    /// What the schema admits.
    pub const PATTERN: &str = "^([0-9]{1,9}[smhdw]){1,5}$";

    /// Keeps the text without looking at it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The span.
    pub fn to_std(&self) -> Result<Duration, DurationError> {
        let malformed = || DurationError(self.0.chars().take(32).collect());
        let mut rest = self.0.as_str();
        let mut total = 0_u64;
        if rest.is_empty() {
            return Err(malformed());
        }
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(malformed)?;
            let number: u64 = rest[..end].parse().map_err(|_| malformed())?;
            let seconds = match rest.as_bytes()[end] {
                b's' => 1,
                b'm' => 60,
                b'h' => 3_600,
                b'd' => 86_400,
                b'w' => 604_800,
                _ => return Err(malformed()),
            };
            total = number
                .checked_mul(seconds)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(malformed)?;
            rest = &rest[end + 1..];
        }
        Ok(Duration::from_secs(total))
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HumanDuration {
    type Err = DurationError;
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let duration = Self::new(text);
        duration.to_std().map(|_| duration.clone())
    }
}

impl From<&str> for HumanDuration {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "HumanDuration".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A span of time such as 10m, 24h or 90d.",
            "type": "string",
            "minLength": 2,
            "maxLength": 32,
            "x-slipway-value": "duration"
        })
    }
}
