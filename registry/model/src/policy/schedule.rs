use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a schedule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Not five fields or a known macro.
    #[error(
        "{0:?} is no cron expression: write minute, hour, day of month, month and day of week, such as \"0 3 * * *\""
    )]
    Malformed(String),
}

/// When something runs by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// A cron expression of five fields, such as `0 3 * * *`, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`.
    #[schemars(length(min = 1, max = 128), extend("x-slipway-value" = "cron"))]
    pub cron: String,
    /// The time zone in which the expression is read, such as `Europe/Berlin`. UTC when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("x-slipway-value" = "timeZone"))]
    pub time_zone: Option<String>,
}

impl Schedule {
    /// The expression as five fields, macros written out.
    pub fn expression(&self) -> Result<&str, ScheduleError> {
        match self.cron.trim() {
            "@hourly" => Ok("0 * * * *"),
            "@daily" | "@midnight" => Ok("0 0 * * *"),
            "@weekly" => Ok("0 0 * * 0"),
            "@monthly" => Ok("0 0 1 * *"),
            text if text.split_whitespace().count() == 5 && !text.starts_with('@') => Ok(text),
            text => Err(ScheduleError::Malformed(text.chars().take(128).collect())),
        }
    }

    /// The zone's name, `UTC` when none was written.
    pub fn zone(&self) -> &str {
        self.time_zone.as_deref().unwrap_or("UTC")
    }
}
