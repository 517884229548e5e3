use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{HumanDuration, InvalidChoice, NameSelector, TagSelector};

/// One rule of retention. An artifact that any rule keeps is kept; a repository that no rule matches is kept whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionRule {
    /// The repositories to which the rule applies. All when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repositories: Option<NameSelector>,
    /// The tags to which the rule applies. All when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagSelector>,
    /// Whether artifacts without any tag are looked at by this rule. `Include` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untagged: Option<Untagged>,
    /// What the rule keeps.
    pub keep: Keep,
}

impl RetentionRule {
    /// Whether the rule looks at artifacts without any tag.
    pub fn includes_untagged(&self) -> bool {
        self.untagged.unwrap_or_default() == Untagged::Include
    }
}

/// What a rule does with artifacts without any tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Untagged {
    /// They count like tagged ones.
    #[default]
    Include,
    /// The rule does not keep them.
    Exclude,
}

/// What a rule keeps. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["always", "latestPushed", "latestPulled", "pushedWithin", "pulledWithin"]))]
pub struct Keep {
    /// Keeps everything that the selectors choose. The only value is `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [true]))]
    pub always: Option<bool>,
    /// Keeps this many of the most recently pushed ones in each repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32_766))]
    pub latest_pushed: Option<u32>,
    /// Keeps this many of the most recently pulled ones in each repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32_766))]
    pub latest_pulled: Option<u32>,
    /// Keeps what was pushed within this time, in whole days such as `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-slipway-value" = "days"))]
    pub pushed_within: Option<HumanDuration>,
    /// Keeps what was pulled within this time, in whole days such as `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-slipway-value" = "days"))]
    pub pulled_within: Option<HumanDuration>,
}

/// The member of [`Keep`] that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepKind<'a> {
    /// All that is chosen.
    Always,
    /// The N pushed last.
    LatestPushed(u32),
    /// The N pulled last.
    LatestPulled(u32),
    /// Pushed within the time.
    PushedWithin(&'a HumanDuration),
    /// Pulled within the time.
    PulledWithin(&'a HumanDuration),
}

impl Keep {
    /// The member that is set.
    pub fn kind(&self) -> Result<KeepKind<'_>, InvalidChoice> {
        InvalidChoice {
            field: "keep",
            members: "always, latestPushed, latestPulled, pushedWithin, pulledWithin",
        }
        .pick([
            self.always.map(|_| KeepKind::Always),
            self.latest_pushed.map(KeepKind::LatestPushed),
            self.latest_pulled.map(KeepKind::LatestPulled),
            self.pushed_within.as_ref().map(KeepKind::PushedWithin),
            self.pulled_within.as_ref().map(KeepKind::PulledWithin),
        ])
    }
}
