//! What a RetentionPolicy declares, in the form in which the registry's state is compared with it.

use slipway_api::{OwnerMark, RetentionGuard, RetentionMode, RetentionRule, RetentionSchedule};
use slipway_crds::{RetentionPolicySpec, condition, condition::reason};
use slipway_model::policy::retention::HarborRule;

use crate::error::{Error, Problem, Result};

/// A guard that stops nothing.
const EVERYTHING: i64 = 100;

/// What the registry is to keep in each project.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Desired {
    /// The rules.
    pub(crate) rules: Vec<RetentionRule>,
    /// Whether artifacts or tags are counted.
    pub(crate) mode: RetentionMode,
    /// When it runs.
    pub(crate) schedule: RetentionSchedule,
    /// Whether runs only report.
    pub(crate) dry_run: bool,
    /// The share in percent that one run may delete.
    pub(crate) max_delete: i64,
    /// Who declares it.
    pub(crate) owner: OwnerMark,
}

impl Desired {
    /// Reads a specification. A suspended one has no schedule.
    pub(crate) fn of(spec: &RetentionPolicySpec, owner: OwnerMark) -> Result<Self> {
        let mut rules: Vec<RetentionRule> = Vec::new();
        for (place, rule) in spec.rules.iter().enumerate() {
            let rule = HarborRule::try_from(rule)
                .map_err(|problem| invalid(format!("spec.rules[{place}].{problem}")))?
                .into();
            if let Some(earlier) = rules.iter().position(|earlier| *earlier == rule) {
                let message = format!(
                    "spec.rules[{place}] says the same as spec.rules[{earlier}]: leave one of them out"
                );
                return Err(invalid(message));
            }
            rules.push(rule);
        }
        let schedule = match spec.schedule.as_ref().filter(|_| !spec.is_suspended()) {
            None => RetentionSchedule::default(),
            Some(schedule) => RetentionSchedule {
                cron: schedule
                    .six_fields()
                    .map_err(|problem| invalid(format!("spec.schedule.cron: {problem}")))?,
                time_zone: match schedule.zone() {
                    "UTC" => String::new(),
                    zone => zone.to_owned(),
                },
                next_scheduled_time: None,
            },
        };
        Ok(Self {
            rules,
            mode: match spec.mode() {
                slipway_crds::retention_policy::RetentionMode::Artifact => RetentionMode::Artifact,
                slipway_crds::retention_policy::RetentionMode::Tag => RetentionMode::Tag,
            },
            schedule,
            dry_run: spec.dry_run.unwrap_or_default(),
            max_delete: spec
                .guard
                .as_ref()
                .map_or(EVERYTHING, |guard| i64::from(guard.max_delete_percent())),
            owner,
        })
    }

    /// The policy of a project as the registry reads it.
    pub(crate) fn policy(&self, project_id: i64) -> slipway_api::RetentionPolicy {
        slipway_api::RetentionPolicy {
            algorithm: "or".to_owned(),
            rules: self.rules.clone(),
            trigger: slipway_api::RetentionTrigger {
                kind: "Schedule".to_owned(),
                settings: self.schedule.clone(),
                ..slipway_api::RetentionTrigger::default()
            },
            scope: slipway_api::RetentionScope {
                level: "project".to_owned(),
                reference: project_id,
            },
            mode: Some(self.mode),
            guard: Some(RetentionGuard {
                max_delete: self.max_delete,
            }),
            dry_run: Some(self.dry_run),
            owner: Some(self.owner.clone()),
            ..slipway_api::RetentionPolicy::default()
        }
    }

    /// The fields in which a policy of the registry differs, as they are called in the specification.
    pub(crate) fn differences(&self, kept: &slipway_api::RetentionPolicy) -> Vec<&'static str> {
        let schedule = &kept.trigger.settings;
        let max_delete = kept.guard.map_or(EVERYTHING, |guard| guard.max_delete);
        [
            (self.rules != kept.rules, "spec.rules"),
            (self.mode != kept.mode.unwrap_or_default(), "spec.mode"),
            (
                (&self.schedule.cron, &self.schedule.time_zone) != (&schedule.cron, &schedule.time_zone),
                "spec.schedule",
            ),
            (self.dry_run != kept.dry_run.unwrap_or_default(), "spec.dryRun"),
            (self.max_delete != max_delete, "spec.guard"),
        ]
        .into_iter()
        .filter_map(|(differs, field)| differs.then_some(field))
        .collect()
    }
}

fn invalid(message: String) -> Error {
    Problem::user(condition::SYNCED, reason::INVALID_SPEC, message).into()
}
