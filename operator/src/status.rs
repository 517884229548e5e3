//! Status: conditions gathered during an attempt, merged with the ones before, written only when they differ.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use slipway_crds::{Condition, ConditionStatus, condition, condition::reason};

use crate::{
    apply::FIELD_MANAGER,
    context::Context,
    error::{Cause, Error, Problem, Result},
};

/// The conditions that only stand in the list while they are true.
const TRANSIENT: &[&str] = &[
    condition::RECONCILING,
    condition::STALLED,
    condition::SUSPENDED,
    condition::DELETION_BLOCKED,
    condition::DEFINITIONS_OUTDATED,
];

/// The member of a Registry's status that `project::owed` writes.
const OWED_CLEANUP: &str = "owedCleanup";

/// The shortest wait for something that turns by itself.
const SHORTEST: Duration = Duration::from_secs(1);

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    status: ConditionStatus,
    reason: &'static str,
    message: String,
}

/// What an attempt found, condition by condition.
#[derive(Debug, Default)]
pub(crate) struct Report {
    findings: BTreeMap<&'static str, Finding>,
    /// The first finding that keeps the object from being ready.
    blocker: Option<Finding>,
    /// The first thing that a person has to do.
    stalled: Option<Finding>,
    /// The first thing that is under way.
    progress: Option<Finding>,
    /// Something that no watch tells of may be different soon.
    look_again: bool,
    /// The next moment at which something turns by itself.
    turns_at: Option<Timestamp>,
}

impl Report {
    /// Something holds.
    pub(crate) fn good(&mut self, condition: &'static str, reason: &'static str, message: impl Into<String>) {
        let finding = Finding {
            status: ConditionStatus::True,
            reason,
            message: message.into(),
        };
        self.findings.insert(condition, finding);
    }

    /// Something is under way, and the object is not ready before it is done.
    pub(crate) fn waiting(
        &mut self,
        condition: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) {
        let finding = Finding {
            status: ConditionStatus::False,
            reason,
            message: message.into(),
        };
        self.findings.insert(condition, finding.clone());
        self.blocker.get_or_insert_with(|| finding.clone());
        self.progress.get_or_insert(finding);
    }

    /// Something is under way while the object does its work.
    pub(crate) fn progressing(&mut self, reason: &'static str, message: impl Into<String>) {
        self.progress.get_or_insert(Finding {
            status: ConditionStatus::True,
            reason,
            message: message.into(),
        });
    }

    /// A finding that neither blocks nor needs anybody.
    pub(crate) fn note(
        &mut self,
        condition: &'static str,
        status: ConditionStatus,
        reason: &'static str,
        message: impl Into<String>,
    ) {
        self.findings.insert(
            condition,
            Finding {
                status,
                reason,
                message: message.into(),
            },
        );
    }

    /// A trouble. One that a person has to end also stalls the object.
    pub(crate) fn problem(&mut self, problem: &Problem) {
        let finding = Finding {
            status: ConditionStatus::False,
            reason: problem.reason,
            message: problem.message.clone(),
        };
        if problem.condition != condition::READY {
            self.findings.insert(problem.condition, finding.clone());
        }
        self.blocker.get_or_insert_with(|| finding.clone());
        match problem.cause {
            Cause::User => self.stalled.get_or_insert(finding),
            Cause::Transient => self.progress.get_or_insert(finding),
        };
    }

    /// Something that no watch tells of may be different soon.
    pub(crate) fn look_again(&mut self) {
        self.look_again = true;
    }

    /// Something turns by itself at a moment, such as a certificate that is to be renewed.
    pub(crate) fn look_at(&mut self, moment: Timestamp) {
        self.turns_at = Some(self.turns_at.map_or(moment, |known| known.min(moment)));
    }

    /// How long until the next moment at which something turns by itself.
    pub(crate) fn until_turn(&self, now: Timestamp) -> Option<Duration> {
        let left = self.turns_at?.duration_since(now);
        Some(Duration::try_from(left).unwrap_or_default().max(SHORTEST))
    }

    /// Whether to look again soon although nothing changes in the cluster.
    pub(crate) fn wants_another_look(&self) -> bool {
        self.look_again || self.is_progressing()
    }

    /// Whether a person has to act.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.is_some()
    }

    /// Whether something is under way.
    pub(crate) fn is_progressing(&self) -> bool {
        self.progress.is_some()
    }

    /// Whether nothing keeps the object from being ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.blocker.is_none()
    }

    /// Takes away what keeps the object from being ready: it does its work all the same.
    pub(crate) fn unblock(&mut self) {
        self.blocker = None;
    }

    /// The new list: `lastTransitionTime` moves only with the status (LESSONS C1), conditions that were not looked at
    /// this time stay.
    pub(crate) fn conditions(
        mut self,
        before: &[Condition],
        generation: Option<i64>,
        now: Timestamp,
    ) -> Vec<Condition> {
        let ready = match self.blocker.take() {
            None => Finding {
                status: ConditionStatus::True,
                reason: reason::SUCCEEDED,
                message: "everything is as declared".to_owned(),
            },
            Some(blocker) => blocker,
        };
        self.findings.insert(condition::READY, ready);
        for (name, finding) in [
            (condition::STALLED, self.stalled.take()),
            (condition::RECONCILING, self.progress.take()),
        ] {
            if let Some(finding) = finding {
                self.findings.insert(
                    name,
                    Finding {
                        status: ConditionStatus::True,
                        ..finding
                    },
                );
            }
        }
        merge(before, &self.findings, generation, now)
    }
}

fn merge(
    before: &[Condition],
    findings: &BTreeMap<&'static str, Finding>,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = before.to_vec();
    conditions.retain(|known| {
        !TRANSIENT.contains(&known.type_.as_str()) || findings.contains_key(known.type_.as_str())
    });
    for (name, finding) in findings {
        let new = condition::new(
            name,
            finding.status,
            finding.reason,
            finding.message.clone(),
            generation,
            now,
        );
        condition::set(&mut conditions, new);
    }
    conditions
}

/// The list of a suspended object: `Suspended` is added, nothing else moves (LESSONS A6).
pub(crate) fn suspended(before: &[Condition], generation: Option<i64>, now: Timestamp) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = before.to_vec();
    condition::remove(&mut conditions, condition::RECONCILING);
    condition::remove(&mut conditions, condition::STALLED);
    let message = "spec.suspend is true: nothing is created, updated or run until it is false";
    let new = condition::new(
        condition::SUSPENDED,
        ConditionStatus::True,
        reason::SUSPENDED,
        message,
        generation,
        now,
    );
    condition::set(&mut conditions, new);
    conditions
}

/// The list of an object whose deletion waits.
pub(crate) fn deletion_blocked(
    before: &[Condition],
    problem: &Problem,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions = before.to_vec();
    let message = problem.message.clone();
    let new = condition::new(
        condition::DELETION_BLOCKED,
        ConditionStatus::True,
        problem.reason,
        message,
        generation,
        now,
    );
    condition::set(&mut conditions, new);
    conditions
}

/// Writes the status when it differs from the one that `object` carries. An object that is gone is fine.
pub(crate) async fn write<K, S>(context: &Context, object: &K, before: Option<&S>, after: &S) -> Result<bool>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    S: Serialize,
{
    let after = own_part(after)?;
    if before.map(own_part).transpose()?.as_ref() == Some(&after) {
        return Ok(false);
    }
    let name = object.name_any();
    let namespace = object.namespace().ok_or(Error::Incomplete("namespace"))?;
    let api: Api<K> = Api::namespaced(context.client.clone(), &namespace);
    let body = status_body::<K>(&name, &namespace, object.uid().as_deref(), after);
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(&name, &parameters, &Patch::Apply(&body)).await {
        Ok(stored) => {
            context.written.note(&stored);
            Ok(true)
        }
        // 404: gone meanwhile; 409: another object of the same name stands there now.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(false),
        Err(error) => Err(Error::from_kube(error)),
    }
}

/// The status without what is written by itself: an apply of an older copy would bring back what was taken off meanwhile.
fn own_part(status: &impl Serialize) -> Result<Value> {
    let mut status = serde_json::to_value(status)?;
    if let Some(members) = status.as_object_mut() {
        members.remove(OWED_CLEANUP);
    }
    Ok(status)
}

fn status_body<K: Resource<DynamicType = ()>>(
    name: &str,
    namespace: &str,
    uid: Option<&str>,
    status: Value,
) -> Value {
    json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {"name": name, "namespace": namespace, "uid": uid},
        "status": status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn find<'a>(conditions: &'a [Condition], name: &str) -> Option<&'a Condition> {
        condition::get(conditions, name)
    }

    #[test]
    fn c1_transition_time_moves_only_with_the_status() {
        let mut report = Report::default();
        report.waiting(
            condition::DATABASE_READY,
            reason::PROGRESSING,
            "the database starts",
        );
        let first = report.conditions(&[], Some(1), at(100));
        let mut report = Report::default();
        report.waiting(condition::DATABASE_READY, reason::WAITING, "other words");
        let second = report.conditions(&first, Some(2), at(200));
        let database = find(&second, condition::DATABASE_READY).expect("there");
        assert_eq!(database.last_transition_time.0, at(100));
        assert_eq!(database.observed_generation, Some(2));
        let mut report = Report::default();
        report.good(condition::DATABASE_READY, reason::AVAILABLE, "answers");
        let third = report.conditions(&second, Some(2), at(300));
        assert_eq!(
            find(&third, condition::DATABASE_READY)
                .expect("there")
                .last_transition_time
                .0,
            at(300)
        );
        assert_eq!(find(&third, condition::READY).expect("there").status, "True");
    }

    #[test]
    fn c3_a_user_error_stalls_and_heals() {
        let mut report = Report::default();
        report.problem(&Problem::user(
            condition::STORAGE_READY,
            reason::STORAGE_CLASS_NOT_FOUND,
            "no such class",
        ));
        report.waiting(condition::DATABASE_READY, reason::PROGRESSING, "starts");
        let broken = report.conditions(&[], Some(1), at(1));
        assert_eq!(
            find(&broken, condition::STALLED).expect("there").reason,
            reason::STORAGE_CLASS_NOT_FOUND
        );
        assert_eq!(
            find(&broken, condition::RECONCILING).expect("there").reason,
            reason::PROGRESSING
        );
        assert_eq!(find(&broken, condition::READY).expect("there").status, "False");
        let healed = Report::default().conditions(&broken, Some(2), at(2));
        assert!(
            find(&healed, condition::STALLED).is_none() && find(&healed, condition::RECONCILING).is_none()
        );
        assert_eq!(find(&healed, condition::READY).expect("there").status, "True");
    }

    #[test]
    fn a6_suspending_keeps_ready() {
        let ready = Report::default().conditions(&[], Some(1), at(1));
        let paused = suspended(&ready, Some(2), at(2));
        assert_eq!(find(&paused, condition::READY), find(&ready, condition::READY));
        assert_eq!(find(&paused, condition::SUSPENDED).expect("there").status, "True");
        let resumed = Report::default().conditions(&paused, Some(3), at(3));
        assert!(find(&resumed, condition::SUSPENDED).is_none());
    }
}
