use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidChoice;

/// Chooses repositories by their name inside the project. Set exactly one of `glob` and `regex`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["glob", "regex"]))]
pub struct NameSelector {
    /// A glob: `*` stands for anything but a slash, `**` for anything, `{a,b}` for one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub glob: Option<String>,
    /// A regular expression that must match the whole name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub regex: Option<String>,
    /// Chooses all that do not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
}

/// Chooses tags. Set exactly one of `glob`, `regex` and `semver`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["glob", "regex", "semver"]))]
pub struct TagSelector {
    /// A glob: `*` stands for anything, `?` for one character, `{a,b}` for one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub glob: Option<String>,
    /// A regular expression that must match the whole tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub regex: Option<String>,
    /// A range of semantic versions such as `>=1.2, <2`; a leading `v` of the tag is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub semver: Option<String>,
    /// Chooses all that do not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<bool>,
}

/// The expression of a selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectorKind<'a> {
    /// A glob.
    Glob(&'a str),
    /// A regular expression for the whole text.
    Regex(&'a str),
    /// A range of semantic versions.
    Semver(&'a str),
}

impl NameSelector {
    /// A selector for a glob.
    pub fn glob(glob: impl Into<String>) -> Self {
        Self {
            glob: Some(glob.into()),
            ..Self::default()
        }
    }

    /// The expression that is set.
    pub fn kind(&self) -> Result<SelectorKind<'_>, InvalidChoice> {
        InvalidChoice {
            field: "repositories",
            members: "glob, regex",
        }
        .pick([
            self.glob.as_deref().map(SelectorKind::Glob),
            self.regex.as_deref().map(SelectorKind::Regex),
        ])
    }

    /// Whether the choice is turned round.
    pub fn excludes(&self) -> bool {
        self.exclude.unwrap_or_default()
    }
}

impl TagSelector {
    /// A selector for a glob.
    pub fn glob(glob: impl Into<String>) -> Self {
        Self {
            glob: Some(glob.into()),
            ..Self::default()
        }
    }

    /// The expression that is set.
    pub fn kind(&self) -> Result<SelectorKind<'_>, InvalidChoice> {
        InvalidChoice {
            field: "tags",
            members: "glob, regex, semver",
        }
        .pick([
            self.glob.as_deref().map(SelectorKind::Glob),
            self.regex.as_deref().map(SelectorKind::Regex),
            self.semver.as_deref().map(SelectorKind::Semver),
        ])
    }

    /// Whether the choice is turned round.
    pub fn excludes(&self) -> bool {
        self.exclude.unwrap_or_default()
    }
}

/// Tags that cannot be moved or deleted once they exist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImmutableTagRule {
    /// Repositories of the project, as a glob. `**` means all.
    #[schemars(length(min = 1, max = 256))]
    pub repositories: String,
    /// Tags, as a glob, such as `v*`.
    #[schemars(length(min = 1, max = 256))]
    pub tags: String,
}
