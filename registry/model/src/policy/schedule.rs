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

    /// The expression as Harbor writes it: six fields of which the first are the seconds, Sunday is 0.
    pub fn six_fields(&self) -> Result<String, ScheduleError> {
        let five = self.expression()?;
        let malformed = || ScheduleError::Malformed(self.cron.chars().take(128).collect());
        let mut fields: Vec<&str> = five.split_whitespace().collect();
        let weekdays = fields.pop().ok_or_else(malformed)?;
        let weekdays: Option<Vec<String>> = weekdays.split(',').map(sunday_as_zero).collect();
        Ok(format!(
            "0 {} {}",
            fields.join(" "),
            weekdays.ok_or_else(malformed)?.join(",")
        ))
    }

    /// The zone's name, `UTC` when none was written.
    pub fn zone(&self) -> &str {
        self.time_zone.as_deref().unwrap_or("UTC")
    }
}

/// A part of the field for days of the week, where 7 is Sunday as well, without that 7.
fn sunday_as_zero(part: &str) -> Option<String> {
    let (days, step) = match part.split_once('/') {
        Some((days, step)) => (days, step.parse::<usize>().ok().filter(|step| *step > 0)?),
        None => (part, 1),
    };
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    if first != "7" && last != "7" {
        return Some(part.to_owned());
    }
    let number = |day: &str| day.parse::<u8>().ok();
    let days = (number(first)?..=number(last)?).step_by(step);
    Some(
        days.map(|day| (day % 7).to_string())
            .collect::<Vec<_>>()
            .join(","),
    )
}
