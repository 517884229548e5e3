//! One attempt at a RetentionPolicy.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{FutureExt, TryStreamExt, future::BoxFuture};
use kube::{ResourceExt, runtime::controller::Action};
use slipway_api::{OwnerMark, RetentionStart, RetentionState};
use slipway_crds::{
    ConditionStatus, RegistryRef, RetentionPolicy, RetentionPolicyStatus, annotations, condition,
    condition::reason,
};

use super::{
    deletion,
    desired::Desired,
    outcome::{self, MOST},
    own,
    plan::{self, Step},
    targets::{self, Target, Targets, is_for},
};
use crate::{
    context::Context,
    controller::resync,
    error::{Cause, Error, Problem, Result, slow_retry},
    finalizer, random,
    registry_session::{self, Session},
    status::{self, Report},
};

/// How soon runs that go on are looked at again.
const WHILE_RUNNING: Duration = Duration::from_secs(5);
/// How long after its moment a scheduled run is looked at.
const AFTER_START: Duration = Duration::from_secs(10);
/// Projects that one request asks for.
const AT_ONCE: usize = 100;

/// Brings what the registries keep closer to what a policy declares.
pub(crate) fn reconcile(
    policy: Arc<RetentionPolicy>,
    context: Arc<Context>,
) -> BoxFuture<'static, Result<Action>> {
    async move {
        let before = policy.status.clone().unwrap_or_default();
        if context.is_foreign(&*policy, before.installation.as_deref()).await {
            return Ok(Action::await_change());
        }
        if policy.metadata.deletion_timestamp.is_some() {
            return deletion::run(&context, &policy).await;
        }
        let namespace = policy.namespace().unwrap_or_default();
        context.namespaces.require_alive(&namespace).await?;
        let generation = policy.metadata.generation;
        let (mut after, mut report) = (before.clone(), Report::default());
        let result = attempt(&context, &policy, &mut after, &mut report).await;
        let running = matches!(result, Ok(true));
        let failed = conclude(result, &mut report)?;
        let action = next_look(&context, &after, &report, running);
        after.conditions = if policy.spec.is_suspended() && failed.is_none() {
            status::suspended(&before.conditions, generation, context.clock.now())
        } else {
            report.conditions(&before.conditions, generation, context.clock.now())
        };
        after.observed_generation = generation;
        after.last_handled_reconcile = policy.annotations().get(annotations::RECONCILE_NOW).cloned();
        if status::write(&context, &*policy, Some(&before), &after).await? {
            context
                .events
                .transitions(&*policy, &before.conditions, &after.conditions)
                .await;
        }
        failed.map_or(Ok(action), Err)
    }
    .boxed()
}

fn next_look(context: &Context, after: &RetentionPolicyStatus, report: &Report, running: bool) -> Action {
    if running {
        return Action::requeue(random::jitter(WHILE_RUNNING));
    }
    if report.is_stalled() {
        return Action::requeue(slow_retry());
    }
    let next = after
        .next_run
        .as_ref()
        .and_then(|next| next.parse::<jiff::Timestamp>().ok());
    let until = next.and_then(|next| Duration::try_from(next.duration_since(context.clock.now())).ok());
    match until.map(|until| until + AFTER_START) {
        Some(until) if until < context.options.resync => Action::requeue(until),
        _ => resync(context),
    }
}

/// Puts what went wrong into the report. What is left is tried again with a growing interval.
fn conclude(result: Result<bool>, report: &mut Report) -> Result<Option<Error>> {
    let error = match result {
        Ok(_) => return Ok(None),
        Err(Error::NamespaceTerminating) => return Err(Error::NamespaceTerminating),
        Err(error) => error,
    };
    match &error {
        Error::Problem(problem) => {
            report.problem(problem);
            if problem.cause == Cause::User {
                return Ok(None);
            }
        }
        Error::Registry(refusal)
            if refusal
                .status()
                .is_some_and(|status| (400..500).contains(&status)) =>
        {
            let message = format!("the registry does not take the policy: {}", refusal.message());
            report.problem(&Problem::transient(condition::SYNCED, reason::CONFLICT, message));
        }
        Error::Registry(_) => {
            let message = "the Registry does not answer, or does not accept the operator's account yet";
            report.problem(&Problem::transient(
                condition::REGISTRY_AVAILABLE,
                reason::REGISTRY_NOT_READY,
                message,
            ));
        }
        other => report.problem(&Problem::transient(
            condition::SYNCED,
            reason::TRANSIENT_ERROR,
            other.to_string(),
        )),
    }
    Ok(Some(error))
}

/// Answers whether a run goes on, or was started just now.
async fn attempt(
    context: &Context,
    policy: &RetentionPolicy,
    after: &mut RetentionPolicyStatus,
    report: &mut Report,
) -> Result<bool> {
    let namespace = policy.namespace().unwrap_or_default();
    let desired = Desired::of(&policy.spec, context.mark_of(policy))?;
    let targets = targets::of(context, policy)?;
    after.matched_projects = i64::try_from(targets.count()).ok();
    finalizer::set(context, policy, true).await?;
    after.installation = Some(context.installation.clone());
    let mut seen: Vec<(String, RetentionState)> = Vec::new();
    let mut work = Work {
        context,
        policy,
        desired: &desired,
        conflicts: Vec::new(),
        changed: Vec::new(),
    };
    let nothing: &[Target] = &[];
    let mut started = false;
    for reference in registries(&targets, after) {
        let wanted = targets.by_registry.get(&reference).map_or(nothing, Vec::as_slice);
        let session = match registry_session::open(context, &reference, &namespace).await {
            Ok(session) => session,
            // What is not there, or lets nobody in, has nothing of ours that could be taken back.
            Err(Error::Problem(problem)) if wanted.is_empty() && problem.cause == Cause::User => {
                after.registries.retain(|known| *known != reference);
                continue;
            }
            Err(error) => return Err(error),
        };
        if !after.registries.contains(&reference) {
            after.registries.push(reference.clone());
            after.registries.sort();
        }
        seen.extend(work.settle(&session, wanted).await?);
        if wanted.is_empty() {
            after.registries.retain(|known| *known != reference);
        } else if !policy.spec.is_suspended() {
            started |= start(&session, policy, after, &seen, wanted).await?;
        }
    }
    if !policy.spec.is_suspended() {
        after.last_handled_run = policy.annotations().get(annotations::RUN_NOW).cloned();
        after.last_handled_approval = policy.annotations().get(annotations::APPROVE).cloned();
    }
    tell(context, policy, &work.changed).await;
    findings(policy, &targets, &work.conflicts, context, report);
    report.good(
        condition::REGISTRY_AVAILABLE,
        reason::AVAILABLE,
        "every Registry of the projects answers",
    );
    let seen: Vec<outcome::Seen<'_>> = seen
        .iter()
        .map(|(object, state)| (object.as_str(), state))
        .collect();
    Ok(runs(after, &outcome::of(&seen), report) || started)
}

/// The Registries of the projects, and those where something was kept before.
fn registries(targets: &Targets, after: &RetentionPolicyStatus) -> Vec<RegistryRef> {
    let mut all: Vec<RegistryRef> = targets.by_registry.keys().cloned().collect();
    all.extend(after.registries.iter().cloned());
    all.sort();
    all.dedup();
    all
}

/// One attempt's work in the registries.
struct Work<'a> {
    context: &'a Context,
    policy: &'a RetentionPolicy,
    desired: &'a Desired,
    /// Project objects whose policy another object declares.
    conflicts: Vec<String>,
    /// Project objects with what was changed in them.
    changed: Vec<String>,
}

impl Work<'_> {
    /// Makes one registry equal to what is declared, and answers what it keeps then of this policy.
    async fn settle(
        &mut self,
        session: &Session,
        wanted: &[Target],
    ) -> Result<Vec<(String, RetentionState)>> {
        let mut kept = states(session, wanted).await?;
        let mut written = false;
        for target in wanted {
            let state = kept.get(&target.id);
            match plan::step(self.desired, state, |mark| self.lives(mark, target)) {
                Step::Nothing => {}
                Step::Conflict => {
                    self.conflicts.push(target.object.clone());
                    kept.remove(&target.id);
                }
                // What is suspended makes nothing, and changes nothing but the schedule of what runs.
                Step::Create if self.policy.spec.is_suspended() => {}
                Step::Update(_, fields)
                    if self.policy.spec.is_suspended() && !fields.contains(&"spec.schedule") => {}
                Step::Create => {
                    self.context.fence.enforce();
                    session
                        .client
                        .retention_create(&self.desired.policy(target.id))
                        .await?;
                    written = true;
                }
                Step::Update(id, fields) => {
                    self.context.fence.enforce();
                    session
                        .client
                        .retention_update(id, &self.desired.policy(target.id))
                        .await?;
                    written = true;
                    if !fields.is_empty() {
                        self.changed
                            .push(format!("{} of {}", fields.join(", "), target.object));
                    }
                }
            }
        }
        self.release(session, wanted).await?;
        if written {
            let fresh = states(session, wanted).await?;
            kept = fresh
                .into_iter()
                .filter(|(_, state)| is_marked(state, &self.desired.owner.uid))
                .collect();
        }
        let names = wanted.iter().map(|target| (target.id, &target.object));
        let names: BTreeMap<i64, &String> = names.collect();
        Ok(kept
            .into_values()
            .filter_map(|state| Some(((*names.get(&state.project_id)?).clone(), state)))
            .collect())
    }

    /// Takes back what the policy declared of projects that it is no longer for.
    async fn release(&self, session: &Session, wanted: &[Target]) -> Result<()> {
        let ours: Vec<RetentionState> = session
            .client
            .retention_states_by_owner(&self.desired.owner.uid)
            .try_collect()
            .await?;
        for state in ours {
            if wanted.iter().all(|target| target.id != state.project_id) {
                self.context.fence.enforce();
                deletion::remove(session, &state).await?;
            }
        }
        Ok(())
    }

    /// Whether the object of a mark declares this project's retention. What cannot be seen from here counts as declared.
    fn lives(&self, mark: &OwnerMark, target: &Target) -> bool {
        let namespace = self.policy.metadata.namespace.as_deref().unwrap_or_default();
        let project = self.context.projects.get(namespace, &target.object);
        match project.as_ref().map(|project| &project.0) {
            Some(Ok(project)) => own::is_declared(self.context, mark, project),
            _ => true,
        }
    }
}

fn is_marked(state: &RetentionState, uid: &str) -> bool {
    state.policy.owner.as_ref().is_some_and(|owner| owner.uid == uid)
}

/// What the registry keeps of these projects, by the project's id.
async fn states(session: &Session, wanted: &[Target]) -> Result<BTreeMap<i64, RetentionState>> {
    let mut found = BTreeMap::new();
    for some in wanted.chunks(AT_ONCE) {
        let ids: Vec<i64> = some.iter().map(|target| target.id).collect();
        let states: Vec<RetentionState> = session
            .client
            .retention_states_of_projects(&ids)
            .try_collect()
            .await?;
        found.extend(states.into_iter().map(|state| (state.project_id, state)));
    }
    Ok(found)
}

/// Starts what the annotations ask for, once for each of their values. Answers whether something was started.
async fn start(
    session: &Session,
    policy: &RetentionPolicy,
    after: &RetentionPolicyStatus,
    seen: &[(String, RetentionState)],
    wanted: &[Target],
) -> Result<bool> {
    let asked = |annotation: &str, handled: &Option<String>| {
        let value = policy.annotations().get(annotation);
        value.is_some() && value != handled.as_ref()
    };
    let run = asked(annotations::RUN_NOW, &after.last_handled_run);
    let approve = asked(annotations::APPROVE, &after.last_handled_approval);
    if !run && !approve {
        return Ok(false);
    }
    let mut started = false;
    for (_, state) in seen {
        if wanted.iter().all(|target| target.id != state.project_id) {
            continue;
        }
        let waits = state.last_run.as_ref().is_some_and(|run| run.stopped_by_guard);
        let approved = approve && waits;
        if run || approved {
            let start = RetentionStart {
                dry_run: policy.spec.dry_run.unwrap_or_default(),
                approved,
            };
            session.client.retention_start(state.policy.id, &start).await?;
            started = true;
        }
    }
    Ok(started)
}

/// Drift that was put right is said once; what a new specification changes is no drift.
async fn tell(context: &Context, policy: &RetentionPolicy, changed: &[String]) {
    let synced = policy.status.as_ref().is_some_and(|status| {
        condition::is_true(&status.conditions, condition::SYNCED)
            && status.observed_generation == policy.metadata.generation
    });
    if synced && !changed.is_empty() {
        let what = changed.iter().take(10).cloned().collect::<Vec<_>>().join("; ");
        let note = format!("the registry's state had changed behind its back: {what}");
        context.events.warning(policy, "DriftCorrected", note).await;
    }
}

fn findings(
    policy: &RetentionPolicy,
    targets: &Targets,
    conflicts: &[String],
    context: &Context,
    report: &mut Report,
) {
    let some = |names: &[String]| names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if !conflicts.is_empty() {
        let message = format!(
            "another object declares the retention of {}; that one acts. Let only one RetentionPolicy choose each project",
            some(conflicts)
        );
        report.problem(&Problem::user(condition::SYNCED, reason::CONFLICT, message));
    } else if !targets.waiting.is_empty() {
        let message = format!("no project in the registry yet: {}", some(&targets.waiting));
        report.waiting(condition::SYNCED, reason::WAITING, message);
    } else {
        let others = rivals(context, policy);
        let (reason, message) = if others.is_empty() {
            (
                reason::SUCCEEDED,
                "the registry's state is as declared".to_owned(),
            )
        } else {
            let message = format!(
                "this policy acts, but {} chooses some of its projects as well: let only one of them choose each project",
                some(&others)
            );
            (reason::CONFLICT, message)
        };
        report.good(condition::SYNCED, reason, message);
    }
}

/// Other policies that are for one of the same projects.
fn rivals(context: &Context, policy: &RetentionPolicy) -> Vec<String> {
    let projects = context
        .projects
        .filter(|project| project.0.as_ref().is_ok_and(|project| is_for(policy, project)));
    let others = context.retention_policies.filter(|other| {
        let Ok(other) = &other.0 else { return false };
        other.metadata.uid != policy.metadata.uid
            && other.metadata.deletion_timestamp.is_none()
            && projects
                .iter()
                .any(|project| project.0.as_ref().is_ok_and(|project| is_for(other, project)))
    });
    let mut names: Vec<String> = others.iter().map(|other| other.name_any()).collect();
    names.sort();
    names
}

/// Puts the last runs into status and report; answers whether one goes on.
fn runs(after: &mut RetentionPolicyStatus, outcome: &outcome::Outcome, report: &mut Report) -> bool {
    if outcome.totals.is_some() {
        after.last_run = outcome.totals.clone();
    }
    after.next_run = outcome.next_run.clone();
    after.attention = outcome.attention.clone();
    let (status, why, message) = if outcome.needs_approval {
        (
            ConditionStatus::True,
            reason::APPROVAL_REQUIRED,
            "a run would delete more than spec.guard.maxDelete allows and deleted nothing; status.attention names the projects. Look at \
             the preview, then change the rules, or set the annotation slipway.dev/approve to a new value",
        )
    } else {
        (
            ConditionStatus::False,
            reason::SUCCEEDED,
            "no run waits for approval",
        )
    };
    report.note(condition::NEEDS_APPROVAL, status, why, message);
    if outcome.needs_approval {
        report.problem(&Problem::user(condition::READY, why, message));
    }
    if outcome.failed {
        report.problem(&Problem::transient(
            condition::READY,
            reason::RUN_FAILED,
            "the last run failed in some projects; status.attention names them",
        ));
    }
    outcome.running
}
