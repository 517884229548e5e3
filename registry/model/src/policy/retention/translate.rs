//! From rules as people write them to rules as Harbor's API writes them.

use std::collections::BTreeMap;

use serde_json::json;

use super::{HarborRule, HarborSelector, KeepKind, RetentionRule, RuleError, Template};
use crate::policy::{HumanDuration, SelectorKind};

/// Seconds of a day.
const DAY: u64 = 86_400;

impl TryFrom<&RetentionRule> for HarborRule {
    type Error = RuleError;

    fn try_from(written: &RetentionRule) -> Result<Self, RuleError> {
        let (template, number) = match written.keep.kind()? {
            KeepKind::Always => (Template::ALWAYS, None),
            KeepKind::LatestPushed(most) => ("latestPushedK", Some(u64::from(most))),
            KeepKind::LatestPulled(most) => ("latestPulledN", Some(u64::from(most))),
            KeepKind::PushedWithin(within) => (
                "nDaysSinceLastPush",
                Some(whole_days("keep.pushedWithin", within)?),
            ),
            KeepKind::PulledWithin(within) => (
                "nDaysSinceLastPull",
                Some(whole_days("keep.pulledWithin", within)?),
            ),
        };
        let repositories = match &written.repositories {
            None => selector(SelectorKind::Glob("**"), "repoMatches"),
            Some(chosen) => selector(
                chosen.kind()?,
                if chosen.excludes() {
                    "repoExcludes"
                } else {
                    "repoMatches"
                },
            ),
        };
        let mut tags = match &written.tags {
            None => selector(SelectorKind::Glob("**"), "matches"),
            Some(chosen) => selector(
                chosen.kind()?,
                if chosen.excludes() { "excludes" } else { "matches" },
            ),
        };
        // `excludes` turns the word round as well.
        let said = written.includes_untagged() != (tags.decoration == "excludes");
        tags.extras = json!({"untagged": said}).to_string();
        Ok(Self {
            action: "retain".to_owned(),
            template: template.to_owned(),
            params: number
                .map(|number| (template.to_owned(), json!(number)))
                .into_iter()
                .collect(),
            tag_selectors: vec![tags],
            scope_selectors: BTreeMap::from([("repository".to_owned(), vec![repositories])]),
            ..Self::default()
        })
    }
}

fn selector(kind: SelectorKind<'_>, decoration: &str) -> HarborSelector {
    let (kind, pattern) = match kind {
        SelectorKind::Glob(pattern) => ("doublestar", pattern),
        SelectorKind::Regex(pattern) => ("regex", pattern),
        SelectorKind::Semver(pattern) => ("semver", pattern),
    };
    HarborSelector {
        kind: kind.to_owned(),
        decoration: decoration.to_owned(),
        pattern: pattern.to_owned(),
        extras: String::new(),
    }
}

/// Harbor's rules count in days.
fn whole_days(field: &'static str, within: &HumanDuration) -> Result<u64, RuleError> {
    let seconds = within
        .to_std()
        .map_err(|problem| RuleError::Duration { field, problem })?
        .as_secs();
    match seconds % DAY {
        0 if seconds > 0 => Ok(seconds / DAY),
        _ => Err(RuleError::Unknown {
            field,
            given: within.as_str().to_owned(),
            allowed: "whole days such as 30d or 2w".to_owned(),
        }),
    }
}
