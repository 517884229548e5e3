//! Retention: Harbor's shapes, with a few fields of Slipway's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_model::policy::retention::{HarborRule, HarborSelector, Mode};
use utoipa::ToSchema;

use crate::owner::OwnerMark;
use crate::wire::{not, zero};

/// A project's policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionPolicy {
    /// Its id; where it is sent it does not matter.
    pub id: i64,
    /// `or`, also where it is left out.
    pub algorithm: String,
    /// At most 15.
    pub rules: Vec<RetentionRule>,
    /// When it runs.
    pub trigger: RetentionTrigger,
    /// Where it holds.
    pub scope: RetentionScope,
    /// Slipway's own: what rules count. `artifact` where a new policy leaves it out; a change that leaves it out keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<RetentionMode>,
    /// Slipway's own: how much one run may delete. Everything where a new policy leaves it out; a change that leaves it out
    /// keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<RetentionGuard>,
    /// Slipway's own: do runs that the schedule starts only tell what they would delete? No where a new policy leaves it out; a
    /// change that leaves it out keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// Slipway's own, for administrators: the object that declares the policy. A change that leaves it out keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerMark>,
}

/// What rules count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RetentionMode {
    /// Artifacts, as Harbor does: one that is kept keeps all its tags.
    #[default]
    Artifact,
    /// Tags: one that no rule keeps is removed, and the artifact when it has none left.
    Tag,
}

/// How much one run may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionGuard {
    /// The share in percent, 0 to 100, of what the rules look at. A run that would delete more deletes nothing.
    pub max_delete: i64,
}

/// A rule: an artifact that any rule keeps is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionRule {
    /// Not kept.
    #[serde(skip_serializing)]
    pub id: i64,
    /// Whatever the client wants to sort by.
    #[serde(skip_serializing_if = "zero")]
    pub priority: i64,
    /// Is it out of force?
    #[serde(skip_serializing_if = "not")]
    pub disabled: bool,
    /// `retain`, also where it is left out.
    pub action: String,
    /// `latestPushedK`, `latestPulledN`, `nDaysSinceLastPush`, `nDaysSinceLastPull` or `always`.
    pub template: String,
    /// The template's number, under the template's name.
    pub params: BTreeMap<String, Value>,
    /// Which tags: all of these must choose one.
    pub tag_selectors: Vec<RetentionSelector>,
    /// Which repositories, under `repository`: all of these must choose one.
    pub scope_selectors: BTreeMap<String, Vec<RetentionSelector>>,
}

/// Chooses tags, or repositories by their name inside the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionSelector {
    /// `doublestar`, also where it is left out; Slipway's own: `regex`, and `semver` for tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `matches` or `excludes`; of repositories `repoMatches` or `repoExcludes`.
    pub decoration: String,
    /// The expression.
    pub pattern: String,
    /// JSON in a text: `{"untagged":true}`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub extras: String,
}

/// When a policy runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionTrigger {
    /// `Schedule`.
    pub kind: String,
    /// The schedule.
    pub settings: RetentionSchedule,
    /// Accepted and forgotten.
    #[serde(skip_serializing)]
    #[schema(value_type = Object)]
    pub references: Value,
}

/// A schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionSchedule {
    /// Six fields of which the first is `0`; empty: only by hand.
    pub cron: String,
    /// Slipway's own: the zone in which they are read, such as `Europe/Berlin`. UTC where it is left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// When it runs next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_scheduled_time: Option<String>,
}

/// Where a policy holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionScope {
    /// `project`.
    pub level: String,
    /// The project's id.
    #[serde(rename = "ref")]
    pub reference: i64,
}

/// What rules can be made of.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RetentionMetadata {
    /// What rules keep.
    pub templates: Vec<RetentionRuleMetadata>,
    /// Selectors of repositories.
    pub scope_selectors: Vec<RetentionSelectorMetadata>,
    /// Selectors of tags.
    pub tag_selectors: Vec<RetentionSelectorMetadata>,
}

/// A template.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RetentionRuleMetadata {
    /// Its name.
    pub rule_template: String,
    /// What it keeps, for people.
    pub display_text: String,
    /// `retain`.
    pub action: String,
    /// What it takes.
    pub params: Vec<RetentionRuleParamMetadata>,
}

/// A parameter of a template.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RetentionRuleParamMetadata {
    /// `int`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `COUNT` or `DAYS`.
    pub unit: String,
    /// Always.
    pub required: bool,
}

/// A kind of selector.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RetentionSelectorMetadata {
    /// What it chooses, for people.
    pub display_text: String,
    /// Its name.
    pub kind: String,
    /// Whether what matches is chosen, or what does not.
    pub decorations: Vec<String>,
}

/// Starts a run.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionStart {
    /// Only tell what would be deleted.
    pub dry_run: bool,
    /// Slipway's own: a person has approved of it, so the guard does not stop this run.
    #[serde(skip_serializing_if = "not")]
    pub approved: bool,
}

/// What is to be done to a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionOperation {
    /// `stop`.
    pub action: String,
}

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RetentionExecution {
    /// Its id.
    pub id: i64,
    /// The policy's.
    pub policy_id: i64,
    /// When it began.
    pub start_time: String,
    /// When it ended; `0001-01-01T00:00:00Z` while it runs.
    pub end_time: String,
    /// `Running`, `Success`, `Error` or `Stopped`.
    pub status: String,
    /// `MANUAL` or `Schedule`.
    pub trigger: String,
    /// Does it delete nothing?
    #[serde(default, skip_serializing_if = "not")]
    pub dry_run: bool,
}

/// A run's work in one repository.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RetentionExecutionTask {
    /// Its id.
    pub id: i64,
    /// The run's.
    pub execution_id: i64,
    /// The repository, by its name inside the project; empty for the look at all of them, which is shown where it failed.
    pub repository: String,
    /// The job's name in the queue.
    pub job_id: String,
    /// `Pending`, `Running`, `Success`, `Error` or `Stopped`.
    pub status: String,
    /// 0 pending, 2 running, 3 ended.
    pub status_code: i64,
    /// When it began.
    pub start_time: String,
    /// When it ended.
    pub end_time: String,
    /// What was looked at.
    pub total: i64,
    /// What of it stays.
    pub retained: i64,
}

/// What a run would do now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RetentionPreview {
    /// The policy's id.
    pub policy_id: i64,
    /// What its rules count.
    pub mode: RetentionMode,
    /// What is looked at in all repositories.
    pub total: u64,
    /// What of it would be deleted.
    pub deleted: u64,
    /// Why the guard would stop the run, where it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by_guard: Option<String>,
    /// The repositories that a rule looks at; with `repository` in the query only that one.
    pub repositories: Vec<RepositoryPreview>,
    /// With `repository` in the query: a page of its artifacts, newest push first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<Vec<ArtifactPreview>>,
}

/// What would be left of a repository.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RepositoryPreview {
    /// Its name inside the project.
    pub repository: String,
    /// What is looked at.
    pub total: u64,
    /// What of it would stay.
    pub retained: u64,
}

/// What would become of an artifact.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ArtifactPreview {
    /// Its digest.
    pub digest: String,
    /// Its fate.
    pub fate: RetentionFate,
    /// Its tags'.
    pub tags: Vec<TagPreview>,
}

/// What would become of a tag.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TagPreview {
    /// Its name.
    pub name: String,
    /// Its fate.
    pub fate: RetentionFate,
}

/// Whether something would stay, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionFate {
    /// Would it stay?
    pub retained: bool,
    /// `rule`, `same_artifact`, `immutable`, `part_of`, `refers_to` or `not_looked_at`; of what would go `beyond_rule`,
    /// `no_rule` or `forsaken`.
    pub reason: String,
    /// The place among the policy's rules of the one that decided, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// The id of the rule for immutable tags that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable_rule: Option<i64>,
    /// The digest of the artifact that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// Slipway's own: a policy with its last run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RetentionState {
    /// The project's id.
    pub project_id: i64,
    /// The policy.
    pub policy: RetentionPolicy,
    /// The run that was started last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RetentionRun>,
}

/// Slipway's own: a run with its sums over all repositories.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionRun {
    /// Its id.
    pub id: i64,
    /// When it began.
    pub start_time: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// `Running`, `Success`, `Error` or `Stopped`.
    pub status: String,
    /// Does it delete nothing?
    pub dry_run: bool,
    /// What was looked at, as far as it was.
    pub total: i64,
    /// What of it stays.
    pub retained: i64,
    /// Did the guard stop it before it deleted anything?
    pub stopped_by_guard: bool,
    /// Why it failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl From<RetentionMode> for Mode {
    fn from(mode: RetentionMode) -> Self {
        match mode {
            RetentionMode::Artifact => Self::Artifact,
            RetentionMode::Tag => Self::Tag,
        }
    }
}

impl From<RetentionRule> for HarborRule {
    fn from(rule: RetentionRule) -> Self {
        Self {
            priority: rule.priority,
            disabled: rule.disabled,
            action: rule.action,
            template: rule.template,
            params: rule.params,
            tag_selectors: rule.tag_selectors.into_iter().map(Into::into).collect(),
            scope_selectors: rule
                .scope_selectors
                .into_iter()
                .map(|(key, selectors)| (key, selectors.into_iter().map(Into::into).collect()))
                .collect(),
        }
    }
}

impl From<HarborRule> for RetentionRule {
    fn from(rule: HarborRule) -> Self {
        Self {
            id: 0,
            priority: rule.priority,
            disabled: rule.disabled,
            action: rule.action,
            template: rule.template,
            params: rule.params,
            tag_selectors: rule.tag_selectors.into_iter().map(Into::into).collect(),
            scope_selectors: rule
                .scope_selectors
                .into_iter()
                .map(|(key, selectors)| (key, selectors.into_iter().map(Into::into).collect()))
                .collect(),
        }
    }
}

impl From<RetentionSelector> for HarborSelector {
    fn from(selector: RetentionSelector) -> Self {
        Self {
            kind: selector.kind,
            decoration: selector.decoration,
            pattern: selector.pattern,
            extras: selector.extras,
        }
    }
}

impl From<HarborSelector> for RetentionSelector {
    fn from(selector: HarborSelector) -> Self {
        Self {
            kind: selector.kind,
            decoration: selector.decoration,
            pattern: selector.pattern,
            extras: selector.extras,
        }
    }
}
