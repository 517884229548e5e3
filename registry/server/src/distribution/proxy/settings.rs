//! What a proxy cache is told to do: its project's metadata, read.

use std::num::{NonZeroU64, NonZeroUsize};

use chrono::TimeDelta;
use serde_json::Value;
use slipway_model::policy::{Pattern, SelectorKind};
use slipway_upstream::adapters::Kind;

use crate::error::{Code, Error, Result};

/// Bytes a second of each download, in kB; Harbor's name.
pub(crate) const SPEED: &str = "proxy_speed_kb";
/// Downloads at once of one repository; Harbor's name.
pub(crate) const CONNECTIONS: &str = "max_upstream_conn";
/// Which repositories are passed on; Harbor's name.
pub(crate) const FILTER: &str = "proxy_cache_filter_pattern";
/// How the filter is written; Harbor's name.
pub(crate) const FILTER_KIND: &str = "proxy_cache_filter_kind";
/// Whether the other registry is asked for referrers; Harbor's name.
pub(crate) const REFERRERS: &str = "proxy_referrer_api";
/// Whether what is gone there stays here; Harbor's name.
pub(crate) const KEEP: &str = "proxy_cache_local_on_not_found";
/// How many seconds a tag counts as fresh; Slipway's own.
pub(crate) const TTL: &str = "proxy_cache_tag_ttl";

/// All of them.
pub(crate) const KEYS: &[&str] = &[CONNECTIONS, FILTER, FILTER_KIND, KEEP, REFERRERS, SPEED, TTL];

/// How long a tag counts as fresh where nothing else is said.
const USUAL_TTL: u32 = 60;
/// Longest time that may be said, in seconds.
const LONGEST_TTL: u32 = 30 * 24 * 3600;

/// What a proxy cache is told to do.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The registry that it stands before.
    pub(crate) registry_id: i64,
    /// That is Docker Hub, where a name of one part is below `library`.
    pub(crate) library: bool,
    /// How long a tag counts as fresh.
    pub(crate) ttl: TimeDelta,
    /// What is gone there, or no longer shown to us, is not served here.
    pub(crate) follows: bool,
    /// The other registry is asked for referrers.
    pub(crate) referrers: bool,
    /// Bytes a second of each download.
    pub(crate) speed: Option<NonZeroU64>,
    /// Downloads at once of one repository.
    pub(crate) connections: Option<NonZeroUsize>,
    filter: Filter,
    metadata: Value,
}

#[derive(Debug, Clone)]
enum Filter {
    Everything,
    Matching(Pattern),
    /// What stands there cannot be read (any more), so nothing is passed on.
    Nothing,
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        (self.registry_id, self.library, &self.metadata)
            == (other.registry_id, other.library, &other.metadata)
    }
}

impl Eq for Settings {}

impl Settings {
    /// Reads a project's metadata. What was written before its rules is read as if it were not there.
    pub(crate) fn read(registry_id: i64, kind: Option<&str>, metadata: Value) -> Self {
        let text = |name: &str| metadata.get(name).and_then(Value::as_str);
        let number = |name: &str| text(name).and_then(|text| text.parse::<i64>().ok());
        let positive = |name: &str| number(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let ttl = number(TTL)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(USUAL_TTL);
        let filter = match text(FILTER).filter(|pattern| !pattern.is_empty()) {
            None => Filter::Everything,
            Some(pattern) => {
                parse_filter(pattern, text(FILTER_KIND)).map_or(Filter::Nothing, Filter::Matching)
            }
        };
        Self {
            registry_id,
            library: kind == Some(Kind::DockerHub.name()),
            ttl: TimeDelta::seconds(i64::from(ttl)),
            follows: text(KEEP) == Some("false"),
            referrers: text(REFERRERS) == Some("true"),
            speed: NonZeroU64::new(positive(SPEED).saturating_mul(1024)),
            connections: NonZeroUsize::new(usize::try_from(positive(CONNECTIONS)).unwrap_or(0)),
            filter,
            metadata,
        }
    }

    /// Is this repository (without the project) passed on?
    pub(crate) fn lets_pass(&self, repository: &str) -> bool {
        match &self.filter {
            Filter::Everything => true,
            Filter::Matching(pattern) => pattern.matches(repository),
            Filter::Nothing => false,
        }
    }
}

fn parse_filter(pattern: &str, kind: Option<&str>) -> Option<Pattern> {
    let kind = match kind.unwrap_or_default() {
        "regex" => SelectorKind::Regex(pattern),
        _ => SelectorKind::Glob(pattern),
    };
    Pattern::parse(kind).ok()
}

/// The value of one of [`KEYS`], as it is kept.
pub(crate) fn checked(name: &str, value: &str) -> Result<String> {
    let bad = |allowed: &str| {
        let message = format!("metadata.{name} is {allowed}, not '{value}'");
        Error::new(Code::BadRequest, message)
    };
    match name {
        SPEED => {
            let number = value.parse().map(|number: i32| number.to_string());
            number.map_err(|_| bad("a whole number of 32 bits, kB a second, 0 or less without limit"))
        }
        CONNECTIONS => match value.parse::<i32>() {
            Ok(number) if number == -1 || number > 0 => Ok(number.to_string()),
            _ => Err(bad("-1 (no limit) or a whole number above 0")),
        },
        TTL => match value.parse::<u32>() {
            Ok(seconds) if seconds <= LONGEST_TTL => Ok(seconds.to_string()),
            _ => Err(bad(
                "a number of seconds from 0 (the upstream is asked each time) to 2592000 (30 days)",
            )),
        },
        FILTER_KIND if matches!(value, "doublestar" | "regex") => Ok(value.to_owned()),
        FILTER_KIND => Err(bad("doublestar or regex")),
        FILTER => {
            // Read as whichever it may turn out to be: the kind is a setting of its own and may follow.
            let glob = Pattern::parse(SelectorKind::Glob(value));
            match Pattern::parse(SelectorKind::Regex(value)) {
                Err(problem) if glob.is_err() => Err(bad(&format!("a pattern ({problem})"))),
                _ => Ok(value.to_owned()),
            }
        }
        _ => match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok("true".to_owned()),
            "false" | "0" => Ok("false".to_owned()),
            _ => Err(bad("'true' or 'false'")),
        },
    }
}

/// Refuses a filter that its kind cannot be read with. `metadata` is all that the project will have.
pub(crate) fn check_filter(pattern: Option<&str>, kind: Option<&str>) -> Result<()> {
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else {
        return Ok(());
    };
    if parse_filter(pattern, kind).is_some() {
        return Ok(());
    }
    let kind = kind.unwrap_or("doublestar");
    let message = format!("metadata.{FILTER} is no pattern of the kind {kind}: '{pattern}'");
    Err(Error::new(Code::BadRequest, message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_said_is_as_usual() {
        let settings = Settings::read(7, Some("docker-hub"), json!({"public": "true"}));
        assert!(settings.library && !settings.follows && !settings.referrers);
        assert_eq!(settings.ttl, TimeDelta::seconds(60));
        assert_eq!((settings.speed, settings.connections), (None, None));
        assert!(settings.lets_pass("library/nginx"));
    }

    #[test]
    fn what_is_said_counts_and_nonsense_does_not() {
        let settings = Settings::read(
            7,
            Some("harbor"),
            json!({SPEED: "10", CONNECTIONS: "3", FILTER: "library/**", REFERRERS: "true", KEEP: "false", TTL: "0"}),
        );
        assert!(!settings.library && settings.follows && settings.referrers);
        assert_eq!(settings.ttl, TimeDelta::zero());
        assert_eq!(settings.speed, NonZeroU64::new(10_240));
        assert_eq!(settings.connections, NonZeroUsize::new(3));
        assert!(settings.lets_pass("library/nginx") && !settings.lets_pass("other/nginx"));
        let off = Settings::read(7, None, json!({SPEED: "-1", CONNECTIONS: "-1", TTL: "soon"}));
        assert_eq!((off.speed, off.connections), (None, None));
        assert_eq!(off.ttl, TimeDelta::seconds(60));
        let broken = Settings::read(7, None, json!({FILTER: "(", FILTER_KIND: "regex"}));
        assert!(!broken.lets_pass("a"));
        let anchored = Settings::read(7, None, json!({FILTER: "a|b", FILTER_KIND: "regex"}));
        assert!(anchored.lets_pass("b") && !anchored.lets_pass("ab"));
    }

    #[test]
    fn values_are_checked_by_name() {
        for (name, good, bad) in [
            (SPEED, &["0", "-5", "2147483647"][..], &["many", "2147483648"][..]),
            (CONNECTIONS, &["-1", "1"], &["0", "-2", ""]),
            (TTL, &["0", "2592000"], &["-1", "2592001", "1m"]),
            (FILTER_KIND, &["doublestar", "regex"], &["glob", ""]),
            (FILTER, &["library/**", "^a|b$"], &[""]),
            (REFERRERS, &["true", "0"], &["yes"]),
            (KEEP, &["FALSE"], &["maybe"]),
        ] {
            for value in good {
                assert!(checked(name, value).is_ok(), "{name}={value}");
            }
            for value in bad {
                let error = checked(name, value).expect_err("a bad value");
                assert_eq!(error.code(), Code::BadRequest, "{name}={value}");
            }
        }
        assert!(check_filter(Some("("), Some("regex")).is_err());
        assert!(check_filter(Some("a/**"), None).is_ok() && check_filter(None, Some("regex")).is_ok());
    }
}
