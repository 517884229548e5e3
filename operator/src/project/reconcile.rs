//! One attempt at a Project.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use kube::{ResourceExt, runtime::controller::Action};
use slipway_crds::{
    ConditionStatus, Project, ProjectStatus, annotations, condition, condition::reason, project::Management,
};

use super::{
    claim,
    credentials::{MOST, settle_accounts, settle_robots},
    deletion,
    desired::{self, Desired},
    execute, observe, ours,
    plan::{self, Change, Observed},
    tenancy,
};
use crate::{
    context::Context,
    controller::resync,
    error::{Error, Problem, Result, slow_retry},
    finalizer,
    registry::secrets::SYSTEM_ACCOUNT,
    registry_session::{self, Session},
    retention_policy::own,
    status::{self, Report},
};

/// Brings a Project closer to what it declares.
pub(crate) fn reconcile(project: Arc<Project>, context: Arc<Context>) -> BoxFuture<'static, Result<Action>> {
    async move {
        let before = project.status.clone().unwrap_or_default();
        if context
            .is_foreign(&*project, before.installation.as_deref())
            .await
        {
            return Ok(Action::await_change());
        }
        if project.metadata.deletion_timestamp.is_some() {
            return deletion::run(&context, &project).await;
        }
        context
            .namespaces
            .require_alive(&project.namespace().unwrap_or_default())
            .await?;
        let generation = project.metadata.generation;
        if project.spec.is_suspended() {
            let mut after = before.clone();
            after.conditions = status::suspended(&before.conditions, generation, context.clock.now());
            after.observed_generation = generation;
            status::write(&context, &*project, Some(&before), &after).await?;
            return Ok(Action::await_change());
        }
        let (mut after, mut report) = (before.clone(), Report::default());
        let result = attempt(&context, &project, &mut after, &mut report).await;
        let failed = conclude(result, &mut report)?;
        let action = if report.is_stalled() {
            Action::requeue(slow_retry())
        } else {
            resync(&context)
        };
        after.conditions = report.conditions(&before.conditions, generation, context.clock.now());
        after.observed_generation = generation;
        after.last_handled_reconcile = project.annotations().get(annotations::RECONCILE_NOW).cloned();
        if status::write(&context, &*project, Some(&before), &after).await? {
            context
                .events
                .transitions(&*project, &before.conditions, &after.conditions)
                .await;
        }
        failed.map_or(Ok(action), Err)
    }
    .boxed()
}

/// Puts what went wrong into the report. What is left is tried again with a growing interval.
fn conclude(result: Result<()>, report: &mut Report) -> Result<Option<Error>> {
    let error = match result {
        Ok(()) => return Ok(None),
        Err(Error::NamespaceTerminating) => return Err(Error::NamespaceTerminating),
        Err(error) => error,
    };
    match &error {
        Error::Problem(problem) => {
            report.problem(problem);
            if problem.cause == crate::error::Cause::User {
                return Ok(None);
            }
        }
        Error::Registry(refusal) if matches!(refusal.status(), Some(400 | 412 | 422)) => {
            report.problem(&Problem::transient(
                condition::SYNCED,
                reason::CONFLICT,
                "the registry's state changed meanwhile",
            ));
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

async fn attempt(
    context: &Context,
    project: &Project,
    after: &mut ProjectStatus,
    report: &mut Report,
) -> Result<()> {
    let namespace = project.namespace().unwrap_or_default();
    let observing = project.spec.management() == Management::Observe;
    registry_session::allowed(context, &project.spec.registry_ref, &namespace).await?;
    if !observing {
        finalizer::set(context, project, deletion::needs_finalizer(project)).await?;
    }
    let session = registry_session::open(context, &project.spec.registry_ref, &namespace).await?;
    let mut desired = Desired::of(project)?;
    tenancy::check(context, project, &desired, session.rule.as_ref())?;
    let missing = desired::missing_features(project);
    if project.spec.proxy_cache.is_some() {
        // A project is a cache or is not, for ever: a plain one in its place would be wrong for ever.
        return Err(unavailable(&missing).into());
    }
    desired.leave_out_narrowed(project);
    let secrets = ours::secrets(&context.client, &namespace, &project.name_any()).await?;
    let with_robots = !(project.spec.robots.is_empty() && after.robots.is_empty() && secrets.is_empty());
    let observed = observe::observe(&session.client, &desired, with_robots).await?;
    report.good(
        condition::REGISTRY_AVAILABLE,
        reason::AVAILABLE,
        "the Registry answers",
    );
    let observed = settle_project(
        context, &session, project, &desired, observed, &secrets, after, report,
    )
    .await?;
    after.installation = Some(context.installation.clone());
    if let Some(observed) = observed {
        settle_robots(context, &session, project, &desired, &observed, after, report).await?;
        settle_accounts(context, project, after, report).await?;
        match own::settle(context, &session, project, after).await {
            Ok(changed) => tell_retention(context, project, &changed).await,
            Err(Error::Problem(problem)) => report.problem(&problem),
            Err(error) => return Err(error),
        }
    }
    if !missing.is_empty() {
        report.problem(&unavailable(&missing));
    }
    Ok(())
}

fn unavailable(fields: &[String]) -> Problem {
    let message = format!(
        "this version of Slipway does not have what {} asks for; remove it, or wait for a version whose changelog names it. \
         Everything else is applied",
        fields.join(", ")
    );
    Problem::user(condition::SYNCED, reason::FEATURE_UNAVAILABLE, message)
}

/// The project itself: made or claimed, then made equal to what is declared. Answers the project as it is afterwards,
/// nothing when only differences are reported.
#[expect(clippy::too_many_arguments, reason = "what one attempt knows, each used once")]
async fn settle_project(
    context: &Context,
    session: &Session,
    project: &Project,
    desired: &Desired,
    observed: Option<Observed>,
    secrets: &[(String, String)],
    after: &mut ProjectStatus,
    report: &mut Report,
) -> Result<Option<Observed>> {
    let observing = project.spec.management() == Management::Observe;
    let namespace = project.namespace().unwrap_or_default();
    if observed.is_some() && !observing {
        claim::claim(context, session, project, &desired.name, true).await?;
    }
    let mut names = ours::robots(secrets, after);
    names.retain(|name| !project.spec.robots.iter().any(|robot| robot.name == *name));
    let mut changes = plan::diff(desired, observed.as_ref(), &names);
    changes.retain(|change| !matches!(change, Change::RemoveMember(name, _) if name == SYSTEM_ACCOUNT || name == "admin"));
    after.url = session
        .registry
        .spec
        .hostname
        .as_ref()
        .map(|host| format!("{host}/{}", desired.name));
    if observing {
        observe_only(&changes, observed.as_ref(), after, report);
        return Ok(None);
    }
    after.pending_changes.clear();
    let mut known = match observed {
        Some(observed) => observed,
        None => {
            if after.project_id.is_some() {
                let note = "the project had vanished from the registry and was made again, without its former content";
                context.events.warning(project, "Recreated", note).await;
            }
            let id = execute::create_project(context, session, desired, context.mark_of(project)).await?;
            Observed {
                id,
                ..Observed::default()
            }
        }
    };
    let first = after.project_id.replace(known.id) != Some(known.id);
    if first {
        // Nobody listens while there is no policy.
        let _ = context
            .project_turned
            .send((namespace.clone(), project.name_any()));
    }
    let effect = execute::run(context, session, desired, &known, &changes).await?;
    tell(context, project, &changes).await;
    if changes.iter().any(|change| {
        matches!(
            change,
            Change::CreateRobot(_) | Change::UpdateRobot(_) | Change::DeleteRobot(..)
        )
    }) {
        known.robots = observe::robots(&session.client, &desired.name, known.id).await?;
    }
    report.good(
        condition::SYNCED,
        reason::SUCCEEDED,
        "the registry's state is as declared",
    );
    members(&effect.unknown_members, desired, report);
    let declared: BTreeMap<String, String> = project
        .spec
        .robots
        .iter()
        .map(|robot| (robot.name.clone(), robot.secret.name.clone()))
        .collect();
    ours::remove_surplus(&context.client, &namespace, secrets, &declared).await?;
    Ok(Some(known))
}

/// Drift that was put right, and robots that were made, are said once.
async fn tell(context: &Context, project: &Project, changes: &[Change]) {
    let synced = is_synced(project);
    if changes.is_empty() {
        return;
    }
    let what = changes
        .iter()
        .take(10)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if synced
        && !changes
            .iter()
            .all(|change| matches!(change, Change::AddMember(..)))
    {
        context
            .events
            .warning(
                project,
                "DriftCorrected",
                format!("the registry's state had changed behind its back: {what}"),
            )
            .await;
    } else if !synced {
        context.events.normal(project, "Applied", what).await;
    }
}

async fn tell_retention(context: &Context, project: &Project, changed: &[&str]) {
    if is_synced(project) && !changed.is_empty() {
        let fields = changed.join(", ").replace("spec.", "spec.retention.");
        let note = format!("the registry's state had changed behind its back: {fields}");
        context.events.warning(project, "DriftCorrected", note).await;
    }
}

/// Whether everything was as this specification declares: what differs now was changed by somebody else.
fn is_synced(project: &Project) -> bool {
    project.status.as_ref().is_some_and(|status| {
        condition::is_true(&status.conditions, condition::SYNCED)
            && status.observed_generation == project.metadata.generation
    })
}

fn members(unknown: &[String], desired: &Desired, report: &mut Report) {
    if desired.members.is_none() {
        return;
    }
    if unknown.is_empty() {
        report.note(
            condition::MEMBERS_PENDING,
            ConditionStatus::False,
            reason::SUCCEEDED,
            "all declared members are known",
        );
        return;
    }
    let names = unknown.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    let message = format!(
        "the registry does not know {names} yet: they become members when they log in for the first time"
    );
    report.note(
        condition::MEMBERS_PENDING,
        ConditionStatus::True,
        reason::MEMBERS_UNKNOWN,
        message,
    );
}

fn observe_only(
    changes: &[Change],
    observed: Option<&Observed>,
    after: &mut ProjectStatus,
    report: &mut Report,
) {
    after.project_id = observed.map(|observed| observed.id);
    after.pending_changes = changes.iter().take(MOST).map(ToString::to_string).collect();
    let message = "spec.management is Observe: nothing is written";
    if changes.is_empty() {
        report.good(condition::SYNCED, reason::OBSERVING, message);
    } else {
        let message = "the registry's state differs from what is declared, see status.pendingChanges; spec.management is Observe";
        report.note(
            condition::SYNCED,
            ConditionStatus::False,
            reason::DIFFERENT,
            message,
        );
    }
}
