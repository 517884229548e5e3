//! The end of a Registry. Retained data needs no operator to go: only `deletionPolicy: Delete` has a finalizer.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret};
use kube::{Api, ResourceExt, runtime::controller::Action};
use slipway_crds::{Registry, annotations, common::DeletionPolicy, condition, condition::reason};

use super::{database, names::is_ours, secrets, storage, tls};
use crate::{
    apply::{self, Child},
    context::Context,
    error::{Error, Problem, Result},
    finalizer, random, status,
};

/// Whether the deletion has something to do.
pub(crate) fn needs_finalizer(registry: &Registry) -> bool {
    registry.spec.managed.is_some() && registry.spec.deletion_policy() == DeletionPolicy::Delete
}

/// Goes as far as possible with a Registry that is being deleted.
pub(crate) async fn run(context: &Context, registry: &Registry) -> Result<Action> {
    let (namespace, name) = (registry.namespace().unwrap_or_default(), registry.name_any());
    let _ = context.registry_turned.send((namespace.clone(), name.clone()));
    if !finalizer::is_set(registry) {
        return Ok(Action::await_change());
    }
    if needs_finalizer(registry) {
        if let Some(problem) = blocked(context, registry).await? {
            report(context, registry, &problem).await?;
            return Ok(Action::requeue(random::jitter(std::time::Duration::from_secs(5))));
        }
        remove_data(context, &namespace, &name).await?;
    }
    finalizer::set(context, registry, false).await?;
    Ok(Action::await_change())
}

/// Projects that still use the Registry hold its data, unless somebody said that they do not or the whole namespace goes.
async fn blocked(context: &Context, registry: &Registry) -> Result<Option<Problem>> {
    let (namespace, name) = (registry.namespace().unwrap_or_default(), registry.name_any());
    let confirmed = registry
        .annotations()
        .get(annotations::CONFIRM_DELETE)
        .is_some_and(|value| *value == name);
    // A namespace that goes must not be held by an answer that is some seconds old.
    context.namespaces.forget(&namespace);
    if confirmed || context.namespaces.get(&namespace).await?.terminating {
        return Ok(None);
    }
    let projects = context.projects_of(&namespace, &name);
    let Some(first) = projects.first() else {
        return Ok(None);
    };
    let message = format!(
        "Projects still use this Registry, {}/{} among them, and spec.deletionPolicy is Delete: delete them first, or \
         annotate the Registry with {}={name}",
        first.namespace().unwrap_or_default(),
        first.name_any(),
        annotations::CONFIRM_DELETE
    );
    Ok(Some(Problem::user(
        condition::DELETION_BLOCKED,
        reason::PROJECTS_REMAIN,
        message,
    )))
}

async fn report(context: &Context, registry: &Registry, problem: &Problem) -> Result<()> {
    let before = registry.status.clone().unwrap_or_default();
    let mut after = before.clone();
    let generation = registry.metadata.generation;
    after.conditions = status::deletion_blocked(&before.conditions, problem, generation, context.clock.now());
    after.observed_generation = generation;
    if status::write(context, registry, Some(&before), &after).await? {
        context
            .events
            .transitions(registry, &before.conditions, &after.conditions)
            .await;
    }
    Ok(())
}

/// Deletes volumes and Secrets: only those of the known names that carry the operator's labels.
async fn remove_data(context: &Context, namespace: &str, name: &str) -> Result<()> {
    for part in secrets::GENERATED.into_iter().chain([tls::CA_PART, tls::PART]) {
        remove::<Secret>(context, namespace, name, part).await?;
    }
    for part in [storage::PART, database::PART] {
        remove::<PersistentVolumeClaim>(context, namespace, name, part).await?;
    }
    Ok(())
}

async fn remove<K: Child>(context: &Context, namespace: &str, name: &str, part: &str) -> Result<()> {
    let api: Api<K> = Api::namespaced(context.client.clone(), namespace);
    let full = format!("{name}-{part}");
    match api.get_metadata_opt(&full).await.map_err(Error::from_kube)? {
        Some(found) if is_ours(&found, name) => apply::delete::<K>(&context.client, namespace, &full).await,
        _ => Ok(()),
    }
}
