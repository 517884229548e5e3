use std::time::Duration;

use thiserror::Error;

use super::{KeepKind, RetentionRule, Template};
use crate::policy::{
    Choice, DurationError, InvalidChoice, NameSelector, PatternError, SelectorKind, TagSelector,
};

/// A rule that was checked: its patterns are compiled, its numbers are within their bounds.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Which of the chosen ones it keeps.
    pub template: Template,
    /// Repositories, by their name inside the project; all of these must choose one.
    pub repositories: Vec<Choice>,
    /// Tags; all of these must choose one. A rule without any takes no part at all, as in Harbor.
    pub tags: Vec<Choice>,
    /// Does it choose artifacts without any tag?
    pub untagged: bool,
    /// Is it out of force?
    pub disabled: bool,
}

/// Why a rule cannot be used. Every message begins with the field's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// A choice of which none or several members are set.
    #[error(transparent)]
    Choice(#[from] InvalidChoice),
    /// An expression that is none.
    #[error("{field}: pattern {pattern:?}: {problem}")]
    Pattern {
        /// The field that holds it.
        field: &'static str,
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        problem: PatternError,
    },
    /// A duration that is none.
    #[error("{field}: {problem}")]
    Duration {
        /// The field that holds it.
        field: &'static str,
        /// What is wrong with it.
        problem: DurationError,
    },
    /// A value that is not one of those that are known.
    #[error("{field} is {given:?}, allowed: {allowed}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What was given, cut where it is long.
        given: String,
        /// What is allowed.
        allowed: String,
    },
    /// A number that is none or out of bounds.
    #[error("params.{name} is {given}, a whole number from 0 to {largest} is needed")]
    Number {
        /// The parameter.
        name: &'static str,
        /// What was given, as JSON.
        given: String,
        /// The largest value.
        largest: u32,
    },
    /// More selectors than anybody needs.
    #[error(
        "{field} has {count} selectors, at most {allowed} are allowed: join their patterns, or use another rule"
    )]
    TooMany {
        /// The field.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// How many are allowed.
        allowed: usize,
    },
}

impl Rule {
    /// Is the rule looked at in this repository? The name is the one inside the project.
    pub(super) fn applies(&self, repository: &str) -> bool {
        !self.disabled
            && !self.tags.is_empty()
            && self.repositories.iter().all(|choice| choice.chooses(repository))
    }

    /// Does the rule choose this tag by itself?
    pub(super) fn chooses_tag(&self, tag: &str) -> bool {
        self.tags.iter().all(|choice| choice.chooses(tag))
    }

    /// Does the rule choose an artifact with these tags? Each selector may have another tag in mind.
    pub(super) fn chooses_artifact<'a>(&self, tags: impl Iterator<Item = &'a str> + Clone) -> bool {
        match tags.clone().next() {
            None => self.untagged,
            Some(_) => self
                .tags
                .iter()
                .all(|choice| tags.clone().any(|tag| choice.chooses(tag))),
        }
    }
}

impl TryFrom<&RetentionRule> for Rule {
    type Error = RuleError;

    fn try_from(written: &RetentionRule) -> Result<Self, RuleError> {
        let all = NameSelector::glob("**");
        let repositories = written.repositories.as_ref().unwrap_or(&all);
        let all = TagSelector::glob("**");
        let tags = written.tags.as_ref().unwrap_or(&all);
        Ok(Self {
            template: template(written.keep.kind()?)?,
            repositories: vec![choice(
                "repositories",
                repositories.kind()?,
                repositories.excludes(),
            )?],
            tags: vec![choice("tags", tags.kind()?, tags.excludes())?],
            untagged: written.includes_untagged(),
            disabled: false,
        })
    }
}

fn template(keep: KeepKind<'_>) -> Result<Template, RuleError> {
    let span = |field, written: Result<Duration, DurationError>| {
        written.map_err(|problem| RuleError::Duration { field, problem })
    };
    Ok(match keep {
        KeepKind::Always => Template::Always,
        KeepKind::LatestPushed(most) => Template::LatestPushed(most),
        KeepKind::LatestPulled(most) => Template::LatestPulled(most),
        KeepKind::PushedWithin(within) => Template::PushedWithin(span("keep.pushedWithin", within.to_std())?),
        KeepKind::PulledWithin(within) => Template::PulledWithin(span("keep.pulledWithin", within.to_std())?),
    })
}

/// A selector of a field, compiled.
pub(super) fn choice(
    field: &'static str,
    kind: SelectorKind<'_>,
    excluding: bool,
) -> Result<Choice, RuleError> {
    let (SelectorKind::Glob(pattern) | SelectorKind::Regex(pattern) | SelectorKind::Semver(pattern)) = kind;
    Choice::new(kind, excluding).map_err(|problem| RuleError::Pattern {
        field,
        pattern: cut(pattern),
        problem,
    })
}

/// The beginning of a text that somebody else wrote.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
