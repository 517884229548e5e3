//! Rules: as they come in, as they are kept, as they are evaluated. Pure.

use slipway_api::{ImmutableRule as Wire, ImmutableSelector};
use slipway_model::policy::{Choice, ImmutableRule, SelectorKind};

use super::store::{RuleRow, Wanted};
use crate::error::{Code, Error, Result};

const ACTION: &str = "immutable";
const TEMPLATE: &str = "immutable_template";
const REPOSITORY: &str = "repository";

/// A selector as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) kind: String,
    pub(super) pattern: String,
    pub(super) excluded: bool,
}

/// What a selector is for: the field that holds it, its decorations, its kinds.
struct Side {
    field: &'static str,
    matches: &'static str,
    excludes: &'static str,
    kinds: &'static [&'static str],
}

const TAGS: Side = Side {
    field: "tag_selectors",
    matches: "matches",
    excludes: "excludes",
    kinds: &["doublestar", "regex", "semver"],
};
const REPOSITORIES: Side = Side {
    field: "scope_selectors.repository",
    matches: "repoMatches",
    excludes: "repoExcludes",
    kinds: &["doublestar", "regex"],
};

/// What a new or changed rule says.
pub(super) fn checked(rule: &Wire) -> Result<Wanted> {
    one_of("action", &rule.action, ACTION)?;
    one_of("template", &rule.template, TEMPLATE)?;
    if let Some(other) = rule.scope_selectors.keys().find(|key| *key != REPOSITORY) {
        return Err(bad(format!(
            "scope_selectors holds {other:?}, only {REPOSITORY} is allowed"
        )));
    }
    let repositories = rule.scope_selectors.get(REPOSITORY).map(Vec::as_slice);
    Ok(Wanted {
        tags: kept(&TAGS, &rule.tag_selectors)?,
        repositories: kept(&REPOSITORIES, repositories.unwrap_or_default())?,
        allow_delete: rule.allow_delete,
        disabled: rule.disabled,
        priority: rule.priority,
    })
}

fn one_of(field: &str, given: &str, allowed: &str) -> Result<()> {
    if given.is_empty() || given == allowed {
        return Ok(());
    }
    Err(bad(format!("{field} is {given:?}, only {allowed} is allowed")))
}

fn kept(side: &Side, selectors: &[ImmutableSelector]) -> Result<Kept> {
    let field = side.field;
    let [selector] = selectors else {
        let count = selectors.len();
        return Err(bad(format!(
            "{field} has {count} selectors, exactly one is needed"
        )));
    };
    let kind = if selector.kind.is_empty() {
        "doublestar"
    } else {
        selector.kind.as_str()
    };
    if !side.kinds.contains(&kind) {
        let kinds = side.kinds.join(", ");
        return Err(bad(format!("{field}: kind is {kind:?}, allowed are {kinds}")));
    }
    let excluded = match selector.decoration.as_str() {
        "" => false,
        decoration if decoration == side.matches => false,
        decoration if decoration == side.excludes => true,
        other => {
            let (matches, excludes) = (side.matches, side.excludes);
            return Err(bad(format!(
                "{field}: decoration is {other:?}, allowed are {matches} and {excludes}"
            )));
        }
    };
    choice(kind, &selector.pattern, excluded)
        .map_err(|problem| bad(format!("{field}: pattern {:?}: {problem}", selector.pattern)))?;
    Ok(Kept {
        kind: kind.to_owned(),
        pattern: selector.pattern.clone(),
        excluded,
    })
}

fn choice(kind: &str, pattern: &str, excluded: bool) -> Result<Choice, slipway_model::policy::PatternError> {
    let kind = match kind {
        "regex" => SelectorKind::Regex(pattern),
        "semver" => SelectorKind::Semver(pattern),
        _ => SelectorKind::Glob(pattern),
    };
    Choice::new(kind, excluded)
}

/// A rule, ready for evaluation.
pub(super) fn compiled(row: &RuleRow) -> Result<ImmutableRule> {
    let choice =
        |kind: &str, pattern: &str, excluded| choice(kind, pattern, excluded).map_err(Error::internal);
    Ok(ImmutableRule {
        id: row.id,
        repositories: choice(
            &row.repository_kind,
            &row.repository_pattern,
            row.repository_excluded,
        )?,
        tags: choice(&row.tag_kind, &row.tag_pattern, row.tag_excluded)?,
        allow_delete: row.allow_delete,
    })
}

/// A rule as it is answered.
pub(super) fn wire(row: RuleRow) -> Wire {
    let selector = |side: &Side, kind, pattern, excluded| ImmutableSelector {
        kind,
        decoration: if excluded { side.excludes } else { side.matches }.to_owned(),
        pattern,
    };
    let repository = selector(
        &REPOSITORIES,
        row.repository_kind,
        row.repository_pattern,
        row.repository_excluded,
    );
    Wire {
        id: row.id,
        priority: row.priority,
        disabled: row.disabled,
        action: ACTION.to_owned(),
        template: TEMPLATE.to_owned(),
        tag_selectors: vec![selector(&TAGS, row.tag_kind, row.tag_pattern, row.tag_excluded)],
        scope_selectors: [(REPOSITORY.to_owned(), vec![repository])].into(),
        allow_delete: row.allow_delete,
    }
}

pub(super) fn bad(message: String) -> Error {
    Error::new(Code::BadRequest, message)
}
