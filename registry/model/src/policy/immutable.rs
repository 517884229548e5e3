//! Which tags stay where they are.

use super::{Pattern, PatternError, SelectorKind};

/// What is to be done to a tag that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagChange {
    /// It is to name another manifest.
    Move,
    /// It is to go, alone or with its manifest.
    Delete,
}

/// A pattern and which side of it is chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    pattern: Pattern,
    excluding: bool,
}

impl Choice {
    /// Chooses what matches, or with `excluding` what does not.
    pub fn new(kind: SelectorKind<'_>, excluding: bool) -> Result<Self, PatternError> {
        Ok(Self {
            pattern: Pattern::parse(kind)?,
            excluding,
        })
    }

    /// Is this text chosen?
    pub fn chooses(&self, text: &str) -> bool {
        self.pattern.matches(text) != self.excluding
    }
}

/// A rule that keeps tags where they are once they exist.
#[derive(Debug, Clone)]
pub struct ImmutableRule {
    /// The rule's id.
    pub id: i64,
    /// Repositories, by their name inside the project.
    pub repositories: Choice,
    /// Tags.
    pub tags: Choice,
    /// May its tags be deleted (but not moved)?
    pub allow_delete: bool,
}

impl ImmutableRule {
    /// Does the rule forbid this change of a tag that exists?
    pub fn forbids(&self, repository: &str, tag: &str, change: TagChange) -> bool {
        let may = change == TagChange::Delete && self.allow_delete;
        !may && self.repositories.chooses(repository) && self.tags.chooses(tag)
    }
}

/// The first of these rules that forbids this change of a tag that exists.
pub fn holding<'a>(
    rules: &'a [ImmutableRule],
    repository: &str,
    tag: &str,
    change: TagChange,
) -> Option<&'a ImmutableRule> {
    rules.iter().find(|rule| rule.forbids(repository, tag, change))
}
