//! Rules as Harbor's API writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rule::{choice, cut};
use super::{Rule, RuleError, Template, TemplateParameter};
use crate::policy::{Choice, SelectorKind};

/// Most selectors in one field of a rule.
const MOST_SELECTORS: usize = 16;

/// A rule as Harbor's API writes it, kept as it was written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HarborRule {
    /// Whatever the client wants to sort by.
    #[serde(default)]
    pub priority: i64,
    /// Is it out of force?
    #[serde(default)]
    pub disabled: bool,
    /// `retain`, or empty, which means the same.
    #[serde(default)]
    pub action: String,
    /// Which of the chosen ones it keeps: one of [`Template::names`].
    #[serde(default)]
    pub template: String,
    /// The template's number, under the template's name.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// All of them must choose.
    #[serde(default)]
    pub tag_selectors: Vec<HarborSelector>,
    /// Under `repository`, those that must all choose the repository.
    #[serde(default)]
    pub scope_selectors: BTreeMap<String, Vec<HarborSelector>>,
}

/// A selector as Harbor's API writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HarborSelector {
    /// `doublestar`, `regex` or `semver`; empty means `doublestar`.
    #[serde(default)]
    pub kind: String,
    /// Whether what matches is chosen, or what does not.
    #[serde(default)]
    pub decoration: String,
    /// The expression; an empty one matches everything.
    #[serde(default)]
    pub pattern: String,
    /// JSON in a string: `{"untagged":true}`.
    #[serde(default)]
    pub extras: String,
}

/// What a selector is for: the field that holds it, its decorations, its kinds.
struct Side {
    field: &'static str,
    decoration: &'static str,
    matches: &'static str,
    excludes: &'static str,
    kind: &'static str,
    kinds: &'static [&'static str],
}

const TAGS: Side = Side {
    field: "tag_selectors",
    decoration: "tag_selectors.decoration",
    matches: "matches",
    excludes: "excludes",
    kind: "tag_selectors.kind",
    kinds: &["doublestar", "regex", "semver"],
};

const REPOSITORIES: Side = Side {
    field: "scope_selectors.repository",
    decoration: "scope_selectors.repository.decoration",
    matches: "repoMatches",
    excludes: "repoExcludes",
    kind: "scope_selectors.repository.kind",
    kinds: &["doublestar", "regex"],
};

impl TryFrom<&HarborRule> for Rule {
    type Error = RuleError;

    fn try_from(written: &HarborRule) -> Result<Self, RuleError> {
        known("action", &written.action, &["", "retain"], "retain".to_owned())?;
        if let Some(other) = written.scope_selectors.keys().find(|key| *key != "repository") {
            known("scope_selectors", other, &[], "repository".to_owned())?;
        }
        let repositories = written.scope_selectors.get("repository").map(Vec::as_slice);
        Ok(Self {
            template: template(&written.template, &written.params)?,
            repositories: REPOSITORIES.choices(repositories.unwrap_or_default())?,
            tags: TAGS.choices(&written.tag_selectors)?,
            // Each selector has its own word on what has no tag, and all must choose.
            untagged: written.tag_selectors.iter().all(HarborSelector::chooses_untagged),
            disabled: written.disabled,
        })
    }
}

impl Side {
    fn choices(&self, selectors: &[HarborSelector]) -> Result<Vec<Choice>, RuleError> {
        if selectors.len() > MOST_SELECTORS {
            return Err(RuleError::TooMany {
                field: self.field,
                count: selectors.len(),
                allowed: MOST_SELECTORS,
            });
        }
        selectors.iter().map(|selector| self.choice(selector)).collect()
    }

    fn choice(&self, selector: &HarborSelector) -> Result<Choice, RuleError> {
        let kind = match selector.kind.as_str() {
            "" => "doublestar",
            kind => kind,
        };
        known(self.kind, kind, self.kinds, self.kinds.join(", "))?;
        known(
            self.decoration,
            &selector.decoration,
            &["", self.matches, self.excludes],
            format!("{}, {}", self.matches, self.excludes),
        )?;
        let pattern = match (selector.pattern.as_str(), kind) {
            ("", "doublestar") => SelectorKind::Glob("**"),
            (pattern, "regex") => SelectorKind::Regex(pattern),
            (pattern, "semver") => SelectorKind::Semver(pattern),
            (pattern, _) => SelectorKind::Glob(pattern),
        };
        choice(self.field, pattern, selector.decoration == self.excludes)
    }
}

impl HarborSelector {
    /// Does it choose what has no tag? `matches` does unless its extras say no; `excludes` turns the word round, so it does
    /// unless its extras say yes. Extras that are JSON without the word say no, others say nothing.
    fn chooses_untagged(&self) -> bool {
        let excluding = self.decoration == TAGS.excludes;
        let said = match serde_json::from_str(&self.extras) {
            Ok(Value::Object(extras)) => match extras.get("untagged") {
                None | Some(Value::Null) => Some(false),
                Some(value) => value.as_bool(),
            },
            Ok(Value::Null) => Some(false),
            _ => None,
        };
        said.unwrap_or(!excluding) != excluding
    }
}

fn known(field: &'static str, given: &str, among: &[&str], allowed: String) -> Result<(), RuleError> {
    if among.contains(&given) {
        return Ok(());
    }
    Err(RuleError::Unknown {
        field,
        given: cut(given),
        allowed,
    })
}

fn template(name: &str, params: &BTreeMap<String, Value>) -> Result<Template, RuleError> {
    if name == Template::ALWAYS {
        return Ok(Template::Always);
    }
    let Some(parameter) = TemplateParameter::of(name) else {
        let allowed = Template::names().collect::<Vec<_>>().join(", ");
        return Err(RuleError::Unknown {
            field: "template",
            given: cut(name),
            allowed,
        });
    };
    let given = params.get(parameter.name);
    given
        .and_then(Value::as_u64)
        .and_then(|value| u32::try_from(value).ok())
        .and_then(|value| parameter.template(value))
        .ok_or_else(|| RuleError::Number {
            name: parameter.name,
            given: given.map_or_else(|| "absent".to_owned(), |value| cut(&value.to_string())),
            largest: parameter.largest,
        })
}
