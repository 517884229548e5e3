//! Rules for immutable tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::{not, null_as_default, zero};

/// A rule: tags that it chooses are neither moved nor deleted once they exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ImmutableRule {
    /// Its id.
    #[serde(skip_serializing_if = "zero")]
    pub id: i64,
    /// The lower, the earlier it is looked at.
    #[serde(skip_serializing_if = "zero")]
    pub priority: i64,
    /// Is it out of force?
    #[serde(skip_serializing_if = "not")]
    pub disabled: bool,
    /// `immutable`, also where it is left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// `immutable_template`, also where it is left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// Which tags: exactly one.
    #[serde(deserialize_with = "null_as_default")]
    pub tag_selectors: Vec<ImmutableSelector>,
    /// Which repositories, under `repository`: exactly one.
    #[serde(deserialize_with = "null_as_default")]
    pub scope_selectors: BTreeMap<String, Vec<ImmutableSelector>>,
    /// Slipway's own: its tags cannot be moved, but may be deleted.
    #[serde(skip_serializing_if = "not")]
    pub allow_delete: bool,
}

/// Chooses tags, or repositories by their name inside the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ImmutableSelector {
    /// `doublestar`; Slipway's own: `regex`, and `semver` for tags.
    pub kind: String,
    /// `matches` or `excludes`; of repositories `repoMatches` or `repoExcludes`.
    pub decoration: String,
    /// The expression.
    pub pattern: String,
}
