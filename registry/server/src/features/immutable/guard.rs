//! Which tags a project's rules hold where they are.

use slipway_model::RepositoryName;
use slipway_model::policy::{ImmutableRule, TagChange, holding};
use sqlx::PgConnection;

use super::{rule, store};
use crate::distribution::content::Place;
use crate::error::{Code, Error, Result};

/// The rules of a project that are in force.
pub(crate) struct Guard(Vec<ImmutableRule>);

/// A tag that a rule holds where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The tag.
    pub(crate) tag: String,
    /// The rule's id.
    pub(crate) rule: i64,
    /// What the rule forbids.
    change: TagChange,
}

impl Guard {
    /// Reads them.
    pub(crate) async fn of(conn: &mut PgConnection, project_id: i64) -> Result<Self> {
        let rows = store::in_force(conn, project_id).await?;
        let rules: Result<_> = rows.iter().map(rule::compiled).collect();
        Ok(Self(rules?))
    }

    /// The rules themselves.
    pub(crate) fn rules(&self) -> &[ImmutableRule] {
        &self.0
    }

    /// Would moving this tag be forbidden?
    pub(crate) fn is_immutable(&self, repository: &RepositoryName, tag: &str) -> bool {
        holding(&self.0, repository.path(), tag, TagChange::Move).is_some()
    }
}

/// The first of these tags of a repository, all of which exist, that must not change so.
pub(crate) async fn hold(
    conn: &mut PgConnection,
    place: Place,
    tags: &[&str],
    change: TagChange,
) -> Result<Option<Hold>> {
    if tags.is_empty() {
        return Ok(None);
    }
    let Guard(rules) = Guard::of(conn, place.project_id).await?;
    if rules.is_empty() {
        return Ok(None);
    }
    let Some(name) = store::repository(conn, place.repository_id).await? else {
        return Ok(None);
    };
    let name = RepositoryName::parse(&name).map_err(Error::internal)?;
    let held = tags.iter().find_map(|tag| {
        holding(&rules, name.path(), tag, change).map(|rule| Hold {
            tag: (*tag).to_owned(),
            rule: rule.id,
            change,
        })
    });
    Ok(held)
}

impl Hold {
    /// The answer of the management API.
    pub(crate) fn refused(&self) -> Error {
        Error::new(Code::Precondition, self.message())
    }

    /// What holds the tag, and what could be done about it.
    pub(crate) fn message(&self) -> String {
        let Self { tag, rule, .. } = self;
        let what = match self.change {
            TagChange::Move => "moved to another manifest",
            TagChange::Delete => "deleted",
        };
        format!(
            "the tag {tag} is immutable by rule {rule} of its project and cannot be {what}: use another tag, or change the rule"
        )
    }
}
