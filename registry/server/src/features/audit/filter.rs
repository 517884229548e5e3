//! What of the audit log is wanted.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use crate::error::{Code, Error, Result};
use crate::features::request::Params;
use crate::features::request::query::{Query, Term, holds};

/// The condition on one column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// Exactly this.
    pub(super) exact: Option<String>,
    /// One of these.
    pub(super) any: Option<Vec<String>>,
    /// A pattern for ILIKE.
    pub(super) pattern: Option<String>,
}

/// What of the audit log is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) username: Text,
    pub(super) operation: Text,
    pub(super) resource_type: Text,
    pub(super) resource: Text,
    /// A pattern for ILIKE.
    pub(super) description: Option<String>,
    pub(super) success: Option<bool>,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
}

impl Filter {
    /// Reads the parameter `q`.
    pub(super) fn read(params: &Params) -> Result<Self> {
        let query = Query::read(params)?;
        let (from, to) = times(&query)?;
        Ok(Self {
            username: text(&query, &["username", "Username"]),
            operation: text(&query, &["operation", "Operation"]),
            resource_type: text(&query, &["resource_type", "ResourceType"]),
            resource: text(&query, &["resource", "Resource"]),
            description: match query.get(&["operation_description", "OperationDescription"]) {
                Some(Term::Fuzzy(part) | Term::Exact(part)) => Some(holds(part)),
                _ => None,
            },
            success: query.switch(&["operation_result", "OperationResult"]),
            from,
            to,
        })
    }

    /// Is there a condition that no index answers?
    pub(super) fn is_fuzzy(&self) -> bool {
        let texts = [
            &self.username,
            &self.operation,
            &self.resource_type,
            &self.resource,
        ];
        self.description.is_some() || texts.iter().any(|text| text.pattern.is_some())
    }
}

fn text(query: &Query, keys: &[&str]) -> Text {
    match query.get(keys) {
        Some(Term::Exact(value)) => Text {
            exact: Some(value.clone()),
            ..Text::default()
        },
        Some(Term::Any(values)) => Text {
            any: Some(values.clone()),
            ..Text::default()
        },
        Some(Term::Fuzzy(part)) => Text {
            pattern: Some(holds(part)),
            ..Text::default()
        },
        Some(Term::Range(..) | Term::All(_)) | None => Text::default(),
    }
}

type Time = Option<DateTime<Utc>>;

/// The times from and to which entries are wanted, both included.
fn times(query: &Query) -> Result<(Time, Time)> {
    let (mut from, mut to) = match query.get(&["op_time", "OpTime"]) {
        Some(Term::Range(from, to)) => (
            from.as_deref().map(|text| time(text, false)).transpose()?,
            to.as_deref().map(|text| time(text, true)).transpose()?,
        ),
        Some(Term::Exact(text)) => (Some(time(text, false)?), Some(time(text, true)?)),
        Some(_) => return Err(unreadable("this condition")),
        None => (None, None),
    };
    let instant = TimeDelta::microseconds(1);
    for (key, at_end, shift) in [
        ("op_time__gte", false, TimeDelta::zero()),
        ("op_time__gt", true, instant),
    ] {
        if let Some(text) = query.exact(&[key]) {
            from = from.max(Some(time(text, at_end)? + shift));
        }
    }
    for (key, at_end, shift) in [
        ("op_time__lte", true, TimeDelta::zero()),
        ("op_time__lt", false, instant),
    ] {
        if let Some(text) = query.exact(&[key]) {
            let limit = time(text, at_end)? - shift;
            to = Some(to.map_or(limit, |to| to.min(limit)));
        }
    }
    Ok((from, to))
}

/// A time; one that is given to the second or to the day stands for its first or last instant. Without a zone it is UTC.
fn time(text: &str, at_end: bool) -> Result<DateTime<Utc>> {
    let end = |precision: TimeDelta| {
        if at_end {
            precision - TimeDelta::microseconds(1)
        } else {
            TimeDelta::zero()
        }
    };
    let (time, precision) = if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        (Some(time.with_timezone(&Utc)), precision(text))
    } else if let Some(time) = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    {
        (Some(time.and_utc()), precision(text))
    } else {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let start = day.and_then(|day| day.and_hms_opt(0, 0, 0));
        (start.map(|start| start.and_utc()), TimeDelta::days(1))
    };
    // PostgreSQL knows other years than we do; nobody asks for them.
    let years =
        DateTime::UNIX_EPOCH - TimeDelta::days(36_500)..DateTime::UNIX_EPOCH + TimeDelta::days(365_000);
    time.filter(|time| years.contains(time))
        .map(|time| time + end(precision))
        .ok_or_else(|| unreadable(&format!("{text:?}")))
}

fn precision(text: &str) -> TimeDelta {
    let fraction = text
        .split_once('.')
        .map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    match fraction {
        0 => TimeDelta::seconds(1),
        1..=3 => TimeDelta::milliseconds(1),
        _ => TimeDelta::microseconds(1),
    }
}

fn unreadable(what: &str) -> Error {
    let message = format!(
        "{what} in q is no time for op_time: write op_time=[from~to] with times such as 2026-01-31T23:59:59 (UTC), \
         2026-01-31T23:59:59+01:00 or 2026-01-31; one side may be empty"
    );
    Error::new(Code::BadRequest, message)
}
