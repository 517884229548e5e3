//! A policy as it is kept, and the order that a run follows from its start to its end.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use slipway_api::{OwnerMark, RetentionGuard, RetentionMode, RetentionPolicy, RetentionRule};
use slipway_model::policy::harbor_cron;
use slipway_model::policy::retention::{Guard, HarborRule, Rule};

use crate::error::{Code, Error, Result};

/// Most rules of a policy, Harbor's number.
const MOST_RULES: usize = 15;
/// The version of what is kept in `retention_policies.rules`.
const VERSION: u64 = 1;
/// A schedule in which nothing can be wrong.
const DAILY: &str = "0 0 0 * * *";
/// The zone in which schedules are read where none is named.
pub(super) const UTC: &str = "UTC";

/// What a policy says, checked.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) rules: Vec<HarborRule>,
    pub(super) cron: String,
    pub(super) time_zone: String,
    pub(super) mode: Option<RetentionMode>,
    pub(super) guard: Option<Guard>,
    pub(super) dry_run: Option<bool>,
    pub(super) owner: Option<OwnerMark>,
}

/// What one run does: the policy as it was when the run was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) policy_id: i64,
    pub(super) project_id: i64,
    pub(super) project: String,
    pub(super) rules: Vec<HarborRule>,
    pub(super) mode: RetentionMode,
    pub(super) max_delete: i64,
    pub(super) dry_run: bool,
    /// Who started it.
    pub(super) by: String,
    /// The moment from which rules count back.
    pub(super) at: DateTime<Utc>,
}

/// Rules that may be stored: few, each another one.
pub(super) fn distinct(rules: Vec<RetentionRule>) -> Result<Vec<HarborRule>> {
    if rules.len() > MOST_RULES {
        let count = rules.len();
        return Err(bad(format!(
            "rules has {count} entries, only {MOST_RULES} retention rules are allowed at most: join their patterns"
        )));
    }
    let rules: Vec<HarborRule> = rules.into_iter().map(Into::into).collect();
    for (place, rule) in rules.iter().enumerate() {
        if let Some(earlier) = rules[..place].iter().position(|earlier| earlier == rule) {
            let message =
                format!("rule {place} is conflict with rule {earlier}: they say the same, leave one out");
            return Err(Error::new(Code::Conflict, message));
        }
    }
    Ok(rules)
}

/// The rest of what a policy says, when its rules were looked at.
pub(super) fn checked(
    rules: Vec<HarborRule>,
    policy: &RetentionPolicy,
    now: DateTime<Utc>,
) -> Result<Wanted> {
    if !matches!(policy.algorithm.as_str(), "" | "or") {
        return Err(bad(format!(
            "algorithm is {:?}, only or is allowed",
            policy.algorithm
        )));
    }
    if !matches!(policy.trigger.kind.as_str(), "" | "Schedule") {
        return Err(bad(format!(
            "trigger.kind is {:?}, only Schedule is allowed",
            policy.trigger.kind
        )));
    }
    compiled(&rules)?;
    let guard = policy
        .guard
        .map(|RetentionGuard { max_delete }| Guard::new(max_delete));
    let settings = &policy.trigger.settings;
    let time_zone = match settings.time_zone.as_str() {
        "" => UTC,
        zone => zone,
    };
    Ok(Wanted {
        rules,
        cron: schedule(&settings.cron, time_zone, now)?,
        time_zone: time_zone.to_owned(),
        mode: policy.mode,
        guard: guard.transpose().map_err(|problem| bad(problem.to_string()))?,
        dry_run: policy.dry_run,
        owner: policy.owner.clone(),
    })
}

/// Six fields of which the first is 0, or nothing.
fn schedule(cron: &str, time_zone: &str, now: DateTime<Utc>) -> Result<String> {
    if cron.trim().is_empty() {
        return Ok(String::new());
    }
    let cron = harbor_cron(cron).map_err(|problem| bad(format!("trigger.settings.cron: {problem}")))?;
    slipway_jobs::schedule::next_fire(DAILY, time_zone, now)
        .map_err(|problem| bad(format!("trigger.settings.time_zone: {problem}")))?;
    slipway_jobs::schedule::next_fire(&cron, time_zone, now)
        .map_err(|problem| bad(format!("trigger.settings.cron: {problem}")))?;
    Ok(cron)
}

/// Rules, ready to decide.
pub(super) fn compiled(rules: &[HarborRule]) -> Result<Vec<Rule>> {
    let compile = |(place, rule): (usize, &HarborRule)| {
        Rule::try_from(rule).map_err(|problem| bad(format!("rules[{place}].{problem}")))
    };
    rules.iter().enumerate().map(compile).collect()
}

/// Rules as they are kept.
pub(super) fn kept(rules: &[HarborRule]) -> Value {
    json!({"version": VERSION, "rules": rules})
}

/// Rules as they were kept.
pub(super) fn rules(mut kept: Value) -> Result<Vec<HarborRule>> {
    if kept["version"] != VERSION {
        return Err(Error::internal(format!(
            "rules of retention of version {}, this program knows {VERSION}",
            kept["version"]
        )));
    }
    serde_json::from_value(kept["rules"].take()).map_err(Error::internal)
}

pub(super) fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}
