//! What clients send and are answered: Harbor's shapes, with a few fields of Slipway's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_model::policy::retention::{HarborRule, HarborSelector, Mode};
use utoipa::ToSchema;

/// A project's policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionPolicy {
    /// Its id; where it is sent it does not matter.
    pub(super) id: i64,
    /// `or`, also where it is left out.
    pub(super) algorithm: String,
    /// At most 15.
    pub(super) rules: Vec<RetentionRule>,
    /// When it runs.
    pub(super) trigger: RetentionTrigger,
    /// Where it holds.
    pub(super) scope: RetentionScope,
    /// Slipway's own: what rules count. `artifact` where a new policy leaves it out; a change that leaves it out keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<RetentionMode>,
    /// Slipway's own: how much one run may delete. Everything where a new policy leaves it out; a change that leaves it out
    /// keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) guard: Option<RetentionGuard>,
}

/// What rules count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RetentionMode {
    /// Artifacts, as Harbor does: one that is kept keeps all its tags.
    #[default]
    Artifact,
    /// Tags: one that no rule keeps is removed, and the artifact when it has none left.
    Tag,
}

/// How much one run may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct RetentionGuard {
    /// The share in percent, 0 to 100, of what the rules look at. A run that would delete more deletes nothing.
    pub(super) max_delete: i64,
}

/// A rule: an artifact that any rule keeps is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionRule {
    /// Not kept.
    #[serde(skip_serializing)]
    pub(super) id: i64,
    /// Whatever the client wants to sort by.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) priority: i64,
    /// Is it out of force?
    #[serde(skip_serializing_if = "is_false")]
    pub(super) disabled: bool,
    /// `retain`, also where it is left out.
    pub(super) action: String,
    /// `latestPushedK`, `latestPulledN`, `nDaysSinceLastPush`, `nDaysSinceLastPull` or `always`.
    pub(super) template: String,
    /// The template's number, under the template's name.
    pub(super) params: BTreeMap<String, Value>,
    /// Which tags: all of these must choose one.
    pub(super) tag_selectors: Vec<RetentionSelector>,
    /// Which repositories, under `repository`: all of these must choose one.
    pub(super) scope_selectors: BTreeMap<String, Vec<RetentionSelector>>,
}

/// Chooses tags, or repositories by their name inside the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionSelector {
    /// `doublestar`, also where it is left out; Slipway's own: `regex`, and `semver` for tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) kind: String,
    /// `matches` or `excludes`; of repositories `repoMatches` or `repoExcludes`.
    pub(super) decoration: String,
    /// The expression.
    pub(super) pattern: String,
    /// JSON in a text: `{"untagged":true}`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) extras: String,
}

/// When a policy runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionTrigger {
    /// `Schedule`.
    pub(super) kind: String,
    /// The schedule.
    pub(super) settings: RetentionSchedule,
    /// Accepted and forgotten.
    #[serde(skip_serializing)]
    #[schema(value_type = Object)]
    pub(super) references: Value,
}

/// A schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionSchedule {
    /// Six fields in UTC of which the first is `0`; empty: only by hand.
    pub(super) cron: String,
    /// When it runs next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_scheduled_time: Option<String>,
}

/// Where a policy holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionScope {
    /// `project`.
    pub(super) level: String,
    /// The project's id.
    #[serde(rename = "ref")]
    pub(super) reference: i64,
}

/// What rules can be made of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RetentionMetadata {
    /// What rules keep.
    pub(super) templates: Vec<RetentionRuleMetadata>,
    /// Selectors of repositories.
    pub(super) scope_selectors: Vec<RetentionSelectorMetadata>,
    /// Selectors of tags.
    pub(super) tag_selectors: Vec<RetentionSelectorMetadata>,
}

/// A template.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RetentionRuleMetadata {
    /// Its name.
    pub(super) rule_template: String,
    /// What it keeps, for people.
    pub(super) display_text: String,
    /// `retain`.
    pub(super) action: String,
    /// What it takes.
    pub(super) params: Vec<RetentionRuleParamMetadata>,
}

/// A parameter of a template.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RetentionRuleParamMetadata {
    /// `int`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// `COUNT` or `DAYS`.
    pub(super) unit: String,
    /// Always.
    pub(super) required: bool,
}

/// A kind of selector.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RetentionSelectorMetadata {
    /// What it chooses, for people.
    pub(super) display_text: String,
    /// Its name.
    pub(super) kind: String,
    /// Whether what matches is chosen, or what does not.
    pub(super) decorations: Vec<String>,
}

/// Starts a run.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionStart {
    /// Only tell what would be deleted.
    pub(super) dry_run: bool,
}

/// What is to be done to a run.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct RetentionOperation {
    /// `stop`.
    pub(super) action: String,
}

/// A run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RetentionExecution {
    /// Its id.
    pub(super) id: i64,
    /// The policy's.
    pub(super) policy_id: i64,
    /// When it began.
    pub(super) start_time: String,
    /// When it ended; `0001-01-01T00:00:00Z` while it runs.
    pub(super) end_time: String,
    /// `Running`, `Success`, `Error` or `Stopped`.
    pub(super) status: String,
    /// `MANUAL` or `Schedule`.
    pub(super) trigger: String,
    /// Does it delete nothing?
    #[serde(skip_serializing_if = "is_false")]
    pub(super) dry_run: bool,
}

/// A run's work in one repository.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RetentionExecutionTask {
    /// Its id.
    pub(super) id: i64,
    /// The run's.
    pub(super) execution_id: i64,
    /// The repository, by its name inside the project; empty for the look at all of them, which is shown where it failed.
    pub(super) repository: String,
    /// The job's name in the queue.
    pub(super) job_id: String,
    /// `Pending`, `Running`, `Success`, `Error` or `Stopped`.
    pub(super) status: String,
    /// 0 pending, 2 running, 3 ended.
    pub(super) status_code: i64,
    /// When it began.
    pub(super) start_time: String,
    /// When it ended.
    pub(super) end_time: String,
    /// What was looked at.
    pub(super) total: i64,
    /// What of it stays.
    pub(super) retained: i64,
}

/// What a run would do now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RetentionPreview {
    /// The policy's id.
    pub(super) policy_id: i64,
    /// What its rules count.
    pub(super) mode: RetentionMode,
    /// What is looked at in all repositories.
    pub(super) total: u64,
    /// What of it would be deleted.
    pub(super) deleted: u64,
    /// Why the guard would stop the run, where it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stopped_by_guard: Option<String>,
    /// The repositories that a rule looks at; with `repository` in the query only that one.
    pub(super) repositories: Vec<RepositoryPreview>,
    /// With `repository` in the query: a page of its artifacts, newest push first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifacts: Option<Vec<ArtifactPreview>>,
}

/// What would be left of a repository.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RepositoryPreview {
    /// Its name inside the project.
    pub(super) repository: String,
    /// What is looked at.
    pub(super) total: u64,
    /// What of it would stay.
    pub(super) retained: u64,
}

/// What would become of an artifact.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ArtifactPreview {
    /// Its digest.
    pub(super) digest: String,
    /// Its fate.
    pub(super) fate: Fate,
    /// Its tags'.
    pub(super) tags: Vec<TagPreview>,
}

/// What would become of a tag.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct TagPreview {
    /// Its name.
    pub(super) name: String,
    /// Its fate.
    pub(super) fate: Fate,
}

/// Whether something would stay, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Fate {
    /// Would it stay?
    pub(super) retained: bool,
    /// `rule`, `same_artifact`, `immutable`, `part_of`, `refers_to` or `not_looked_at`; of what would go `beyond_rule`,
    /// `no_rule` or `forsaken`.
    pub(super) reason: &'static str,
    /// The place among the policy's rules of the one that decided, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<usize>,
    /// The id of the rule for immutable tags that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) immutable_rule: Option<i64>,
    /// The digest of the artifact that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &i64) -> bool {
    *value == 0
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
