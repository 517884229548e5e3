//! The end of a RetentionPolicy: what the registries keep of it goes, so that nothing is deleted any more in its name. It
//! never waits for a registry that will not come back.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt;
use kube::{ResourceExt, runtime::controller::Action};
use slipway_api::RetentionState;
use slipway_crds::{Registry, RegistryRef, RetentionPolicy, condition, condition::reason};

use crate::{
    context::Context,
    error::{Problem, Result},
    finalizer, random,
    registry_session::{self, Session},
    status,
};

/// How soon a deletion that waits is looked at again.
const AGAIN: Duration = Duration::from_secs(5);
/// The longest that a deletion waits for a registry.
const PATIENCE: Duration = Duration::from_secs(600);
/// The same when the whole namespace goes.
const HURRY: Duration = Duration::from_secs(30);

/// Goes as far as possible with a policy that is being deleted.
pub(crate) async fn run(context: &Context, policy: &RetentionPolicy) -> Result<Action> {
    if !finalizer::is_set(policy) {
        return Ok(Action::await_change());
    }
    if let Err(error) = clean_up(context, policy).await {
        if !waited_long_enough(context, policy).await {
            report(context, policy).await?;
            return Ok(Action::requeue(random::jitter(AGAIN)));
        }
        tracing::warn!(
            namespace = policy.namespace(),
            name = policy.name_any(),
            %error,
            "a registry did not answer in time and the policy goes without its clean-up"
        );
        let note = "a registry did not answer in time; what it keeps of the policy stays there until another RetentionPolicy chooses the \
                    project, or until it is deleted through the registry's API";
        context.events.warning(policy, "CleanUpOwed", note).await;
    }
    finalizer::set(context, policy, false).await?;
    Ok(Action::await_change())
}

async fn clean_up(context: &Context, policy: &RetentionPolicy) -> Result<()> {
    let uid = policy.uid().unwrap_or_default();
    let kept_in = policy.status.as_ref().map(|status| status.registries.as_slice());
    for reference in kept_in.unwrap_or_default() {
        let Some(registry) = living(context, policy, reference) else {
            continue;
        };
        let session = registry_session::connect(context, registry, None).await?;
        let ours: Vec<RetentionState> = session
            .client
            .retention_states_by_owner(&uid)
            .try_collect()
            .await?;
        for state in ours {
            context.fence.enforce();
            remove(&session, &state).await?;
        }
    }
    Ok(())
}

/// Deletes what a registry keeps of a policy in one project. That it is gone already is fine: a policy that is not there is
/// answered with 400, as Harbor does.
pub(crate) async fn remove(session: &Session, state: &RetentionState) -> Result<()> {
    match session.client.retention_delete(state.policy.id).await {
        Err(error) if error.is_not_found() || error.status() == Some(400) => Ok(()),
        other => Ok(other?),
    }
}

/// The Registry, unless it is gone or going: then nothing is left to be cleaned up.
fn living(context: &Context, policy: &RetentionPolicy, reference: &RegistryRef) -> Option<Arc<Registry>> {
    let own = policy.metadata.namespace.as_deref().unwrap_or_default();
    let guarded = context.registry(reference.namespace_or(own), &reference.name)?;
    let registry = guarded.0.as_ref().ok()?;
    registry
        .metadata
        .deletion_timestamp
        .is_none()
        .then(|| Arc::new(registry.clone()))
}

async fn waited_long_enough(context: &Context, policy: &RetentionPolicy) -> bool {
    let Some(since) = &policy.metadata.deletion_timestamp else {
        return true;
    };
    let namespace = policy.namespace().unwrap_or_default();
    let going = context
        .namespaces
        .get(&namespace)
        .await
        .is_ok_and(|facts| facts.terminating);
    let limit = if going { HURRY } else { PATIENCE };
    let waited = context.clock.now().duration_since(since.0);
    Duration::try_from(waited).is_ok_and(|waited| waited >= limit)
}

async fn report(context: &Context, policy: &RetentionPolicy) -> Result<()> {
    let message = "the deletion waits for the registry to answer; after ten minutes the object goes anyway";
    let problem = Problem::transient(condition::DELETION_BLOCKED, reason::REGISTRY_NOT_READY, message);
    let before = policy.status.clone().unwrap_or_default();
    let mut after = before.clone();
    let generation = policy.metadata.generation;
    after.conditions =
        status::deletion_blocked(&before.conditions, &problem, generation, context.clock.now());
    after.observed_generation = generation;
    if status::write(context, policy, Some(&before), &after).await? {
        context
            .events
            .transitions(policy, &before.conditions, &after.conditions)
            .await;
    }
    Ok(())
}
