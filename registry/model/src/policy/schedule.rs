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

/// Why a text is no cron expression as Harbor's clients write it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HarborCronError {
    /// Not six fields.
    #[error(
        "expected exactly 6 fields, found {found}: {text:?}; write second, minute, hour, day of month, month and day of week in UTC, such as \"0 0 3 * * *\""
    )]
    Fields {
        /// How many there are.
        found: usize,
        /// The text, shortened.
        text: String,
    },
    /// Another second than 0.
    #[error("the 1st field (seconds) is {0:?} and must be 0")]
    Seconds(String),
    /// A field that says nothing that can be.
    #[error("the field {field} is {text:?}: {allowed} are allowed, with *, ?, ranges, lists and steps")]
    Field {
        /// Which one.
        field: &'static str,
        /// What stands there, shortened.
        text: String,
        /// What may stand there.
        allowed: &'static str,
    },
}

/// A field: its name, the least and the greatest number, names for numbers (the first one stands for the least), and all that in
/// words.
type Field = (&'static str, u32, u32, &'static [&'static str], &'static str);

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS: [Field; 6] = [
    ("second", 0, 59, &[], "0 to 59"),
    ("minute", 0, 59, &[], "0 to 59"),
    ("hour", 0, 23, &[], "0 to 23"),
    ("day of month", 1, 31, &[], "1 to 31"),
    ("month", 1, 12, MONTHS, "1 to 12 and JAN to DEC"),
    ("day of week", 0, 6, DAYS, "0 to 6 and SUN to SAT"),
];

/// Checks a cron expression as Harbor's clients write it: six fields in UTC, the first of them 0. Answers it with single blanks
/// between the fields, and with `*` where `?` stands for it outside of days. The same form holds wherever Harbor has a schedule.
pub fn harbor_cron(text: &str) -> Result<String, HarborCronError> {
    let short = |text: &str| text.chars().take(128).collect::<String>();
    let written: Vec<&str> = text.split_whitespace().collect();
    if written.len() != FIELDS.len() {
        return Err(HarborCronError::Fields {
            found: written.len(),
            text: short(text),
        });
    }
    for (text, field) in written.iter().zip(&FIELDS) {
        if !text.split(',').all(|part| is_part(part, field)) {
            return Err(HarborCronError::Field {
                field: field.0,
                text: short(text),
                allowed: field.4,
            });
        }
    }
    if written[0] != "0" {
        return Err(HarborCronError::Seconds(short(written[0])));
    }
    let shown = written.iter().enumerate().map(|(place, text)| match place {
        3 | 5 => (*text).to_owned(),
        _ => text.replace('?', "*"),
    });
    Ok(shown.collect::<Vec<_>>().join(" "))
}

/// `*`, `?`, a number, a range, each also with a step behind `/`.
fn is_part(part: &str, field: &Field) -> bool {
    let (base, step) = match part.split_once('/') {
        Some((base, step)) => (base, Some(step)),
        None => (part, None),
    };
    let stepped = step.is_none_or(|step| digits(step).is_some_and(|step| step > 0 && step <= field.2));
    let based = match base.split_once('-') {
        _ if matches!(base, "*" | "?") => true,
        Some((from, to)) => {
            matches!((value(from, field), value(to, field)), (Some(from), Some(to)) if from <= to)
        }
        None => value(base, field).is_some(),
    };
    stepped && based
}

fn value(text: &str, (_, least, most, names, _): &Field) -> Option<u32> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let number = match named {
        Some(place) => u32::try_from(place).ok()?.checked_add(*least)?,
        None => digits(text)?,
    };
    (*least..=*most).contains(&number).then_some(number)
}

/// Digits only: `parse` would let a sign pass.
fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
