//! The end of a Project. It needs nothing of the tenant's namespace and never waits for a registry that will not come
//! back (LESSONS A4).

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt;
use kube::{ResourceExt, runtime::controller::Action};
use slipway_crds::{Project, Registry, common::DeletionPolicy, condition, condition::reason};

use super::{execute::gone_is_fine, observe, ours, owed, service_accounts};
use crate::{
    context::Context,
    error::{Cause, Error, Problem, Result},
    finalizer, random,
    registry_session::{self, Session},
    retention_policy::own,
    status,
};

/// How soon a deletion that waits is looked at again.
const AGAIN: Duration = Duration::from_secs(5);
/// The longest that a deletion waits for the registry when the whole namespace goes.
const HURRY: Duration = Duration::from_secs(30);

/// Whether the deletion has something to do in the registry or on service accounts.
pub(crate) fn needs_finalizer(project: &Project) -> bool {
    let spec = &project.spec;
    let status = project.status.as_ref();
    !spec.robots.is_empty()
        || status
            .is_some_and(|status| !status.robots.is_empty() || !status.attached_service_accounts.is_empty())
        || spec.retention.is_some()
        || status.is_some_and(|status| status.retention.is_some())
        || spec.deletion_policy() == DeletionPolicy::Delete
}

/// Goes as far as possible with a Project that is being deleted.
pub(crate) async fn run(context: &Context, project: &Project) -> Result<Action> {
    if !finalizer::is_set(project) {
        return Ok(Action::await_change());
    }
    match clean_up(context, project).await {
        Ok(()) => {}
        Err(error) if !waits_for_a_person(&error) && waited_long_enough(context, project).await => {
            tracing::warn!(
                namespace = project.namespace(),
                name = project.name_any(),
                %error,
                "the deletion waited for spec.deletionTimeout and the object goes without its clean-up"
            );
            leave_owed(context, project).await;
            remove_secrets(context, project).await?;
        }
        Err(error) => {
            report(context, project, &error).await?;
            return Ok(Action::requeue(random::jitter(AGAIN)));
        }
    }
    finalizer::set(context, project, false).await?;
    Ok(Action::await_change())
}

/// Notes what could not be done on the Registry.
async fn leave_owed(context: &Context, project: &Project) {
    let note =
        "the registry did not answer within spec.deletionTimeout; the clean-up is owed on the Registry";
    context.events.warning(project, "CleanUpOwed", note).await;
    let Some(registry) = registry_of(context, project) else {
        return;
    };
    let status = project.status.clone().unwrap_or_default();
    let declared = project.spec.robots.iter().map(|robot| robot.name.clone());
    let mut robots: Vec<String> = ours::robots(&[], &status).into_iter().chain(declared).collect();
    robots.sort();
    robots.dedup();
    if let Err(error) = owed::note(context, &registry, owed::of(project, &robots)).await {
        tracing::warn!(%error, "the clean-up that is owed was not noted");
    }
}

/// Whether somebody has to decide first. No time answers for him: the content of a project is never let go by waiting.
fn waits_for_a_person(error: &Error) -> bool {
    matches!(error, Error::Problem(problem) if problem.cause == Cause::User)
}

/// Whether the object has waited for the registry as long as it declares, or for half a minute when its whole namespace
/// goes: what is left to do is noted on the Registry.
async fn waited_long_enough(context: &Context, project: &Project) -> bool {
    let Some(since) = &project.metadata.deletion_timestamp else {
        return true;
    };
    let declared = project.spec.deletion_timeout();
    let limit = if goes_with_namespace(context, project).await {
        declared.min(HURRY)
    } else {
        declared
    };
    let waited = context.clock.now().duration_since(since.0);
    Duration::try_from(waited).is_ok_and(|waited| waited >= limit)
}

async fn goes_with_namespace(context: &Context, project: &Project) -> bool {
    let namespace = project.namespace().unwrap_or_default();
    context
        .namespaces
        .get(&namespace)
        .await
        .is_ok_and(|facts| facts.terminating)
}

async fn clean_up(context: &Context, project: &Project) -> Result<()> {
    detach(context, project).await?;
    // A suspended one is let go without a word to the registry: that may be what it was suspended for (LESSONS A6).
    let untouched = project.spec.is_suspended() && project.spec.deletion_policy() == DeletionPolicy::Retain;
    let Some(registry) = registry_of(context, project).filter(|_| !untouched) else {
        return remove_secrets(context, project).await;
    };
    match registry_session::connect(context, registry, None).await {
        Ok(session) => in_registry(context, project, &session).await?,
        // A Registry that was never up has nothing of ours.
        Err(_) if never_created(project) => {}
        Err(error) => return Err(error),
    }
    remove_secrets(context, project).await
}

/// The Registry, unless it is gone or going: then there is nothing to clean up.
fn registry_of(context: &Context, project: &Project) -> Option<Arc<Registry>> {
    let own = project.namespace().unwrap_or_default();
    let reference = &project.spec.registry_ref;
    let guarded = context.registry(reference.namespace_or(&own), &reference.name)?;
    let registry = guarded.0.as_ref().ok()?;
    registry
        .metadata
        .deletion_timestamp
        .is_none()
        .then(|| Arc::new(registry.clone()))
}

fn never_created(project: &Project) -> bool {
    project
        .status
        .as_ref()
        .is_none_or(|status| status.project_id.is_none())
}

/// Service accounts first: new pods must not get a Secret that is about to stop working.
async fn detach(context: &Context, project: &Project) -> Result<()> {
    let Some(status) = &project.status else {
        return Ok(());
    };
    let namespace = project.namespace().unwrap_or_default();
    let attached = &status.attached_service_accounts;
    match service_accounts::settle(&context.client, &namespace, &Default::default(), attached).await {
        Ok(_) | Err(Error::NamespaceTerminating) => Ok(()),
        // Rights that were taken away since must not hold the object.
        Err(error) if error.kube_code() == Some(403) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn remove_secrets(context: &Context, project: &Project) -> Result<()> {
    let (namespace, name) = (project.namespace().unwrap_or_default(), project.name_any());
    let secrets = ours::secrets(&context.client, &namespace, &name).await?;
    ours::remove_surplus(&context.client, &namespace, &secrets, &Default::default()).await
}

/// Only what carries this Project's mark is touched.
async fn in_registry(context: &Context, project: &Project, session: &Session) -> Result<()> {
    let object = project.name_any();
    let name = project.spec.project_name(&object);
    let own = context.mark_of(project);
    let mark = match session.client.owner_get(name).await {
        Ok(mark) => mark,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(_) if never_created(project) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if mark.is_none_or(|mark| mark.uid != own.uid) {
        return Ok(());
    }
    context.fence.enforce();
    if project.spec.deletion_policy() == DeletionPolicy::Delete {
        match delete_project(session, project, name).await {
            // Nobody is left who could decide about the content: it stays, the robots go.
            Err(Error::Problem(_)) if goes_with_namespace(context, project).await => {}
            other => return other,
        }
    }
    let id = session.client.project_get(name).await?.project_id;
    own::release(context, session, project, id).await?;
    let namespace = project.namespace().unwrap_or_default();
    let secrets = ours::secrets(&context.client, &namespace, &object).await?;
    let names = ours::robots(&secrets, &project.status.clone().unwrap_or_default());
    let declared = project.spec.robots.iter().map(|robot| robot.name.clone());
    let names: Vec<String> = names.into_iter().chain(declared).collect();
    for (robot, known) in observe::robots(&session.client, name, id).await? {
        if names.contains(&robot) {
            gone_is_fine(session.client.robot_delete(known.id).await)?;
        }
    }
    gone_is_fine(session.client.owner_release(name, &own.uid).await)
}

async fn delete_project(session: &Session, project: &Project, name: &str) -> Result<()> {
    let refused = match session.client.project_delete(name).await {
        Err(error) if error.is_precondition() => error,
        other => return gone_is_fine(other),
    };
    if !project.spec.force_delete() {
        let message = format!(
            "the project still holds repositories ({}): delete them, set spec.forceDelete: true, or set \
             spec.deletionPolicy: Retain to keep the project",
            refused.message()
        );
        return Err(Problem::user(condition::DELETION_BLOCKED, reason::NOT_EMPTY, message).into());
    }
    let repositories: Vec<_> = session.client.repository_list(name).try_collect().await?;
    for repository in repositories {
        let short = repository
            .name
            .strip_prefix(&format!("{name}/"))
            .unwrap_or(&repository.name)
            .to_owned();
        gone_is_fine(session.client.repository_delete(name, &short).await)?;
    }
    gone_is_fine(session.client.project_delete(name).await)
}

async fn report(context: &Context, project: &Project, error: &Error) -> Result<()> {
    let problem = match error {
        Error::Problem(problem) => (**problem).clone(),
        _ => Problem {
            condition: condition::DELETION_BLOCKED,
            reason: reason::REGISTRY_NOT_READY,
            message: "the deletion waits for the registry to answer; after spec.deletionTimeout the object goes anyway".to_owned(),
            cause: Cause::Transient,
        },
    };
    let before = project.status.clone().unwrap_or_default();
    let mut after = before.clone();
    let generation = project.metadata.generation;
    after.conditions =
        status::deletion_blocked(&before.conditions, &problem, generation, context.clock.now());
    after.observed_generation = generation;
    if status::write(context, project, Some(&before), &after).await? {
        context
            .events
            .transitions(project, &before.conditions, &after.conditions)
            .await;
    }
    Ok(())
}
