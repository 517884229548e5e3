//! Which changes elsewhere make which object be looked at again.

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt, controller::ReconcileRequest, predicates, reflector::ObjectRef, utils::Predicate,
        watcher,
    },
};
use slipway_crds::{Project, Registry, RetentionPolicy, condition, labels};
use tokio::sync::broadcast;

use crate::{
    context::{Context, Guarded, Stores},
    controller::{Kind, Requests, watched},
    health::Health,
};

/// Where to look: the whole cluster or one namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope<'a> {
    /// Everywhere.
    Cluster,
    /// In one namespace.
    Namespace(&'a str),
}

impl Scope<'_> {
    /// The API of a kind in this scope.
    pub(crate) fn api<K>(self, client: Client) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match self {
            Self::Cluster => Api::all(client),
            Self::Namespace(namespace) => Api::namespaced(client, namespace),
        }
    }
}

/// The metadata of every object of a kind, as it changes or goes. Values are never read here (LESSONS F5).
fn touched<K: Kind>(
    api: Api<PartialObjectMeta<K>>,
    selector: Option<&str>,
    health: Health,
) -> impl Stream<Item = Result<PartialObjectMeta<K>, watcher::Error>> + Send + use<K> {
    let config = selector.map_or_else(watcher::Config::default, |selector| {
        watcher::Config::default().labels(selector)
    });
    events(api, config, health).touched_objects()
}

fn events<K: Kind>(
    api: Api<PartialObjectMeta<K>>,
    config: watcher::Config,
    health: Health,
) -> impl Stream<Item = Result<watcher::Event<PartialObjectMeta<K>>, watcher::Error>> + Send + use<K> {
    watched(api, config, health)
}

fn request<K: Kind>(namespace: &str, name: &str) -> ReconcileRequest<Guarded<K>> {
    ReconcileRequest::from(ObjectRef::<Guarded<K>>::new(name).within(namespace))
}

/// The request for the object that a label names.
fn labelled<K: Kind>(object: &impl ResourceExt, label: &str) -> Option<ReconcileRequest<Guarded<K>>> {
    Some(request(&object.namespace()?, object.labels().get(label)?))
}

/// Children of Registries, by their label.
pub(crate) fn registry_children(
    scope: Scope<'_>,
    client: &Client,
    health: &Health,
) -> Vec<Requests<Registry>> {
    fn child<C>(scope: Scope<'_>, client: &Client, health: &Health) -> Requests<Registry>
    where
        C: Kind + Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    {
        let selector = format!(
            "{}={},{}",
            labels::MANAGED_BY,
            labels::MANAGED_BY_VALUE,
            labels::REGISTRY
        );
        touched(
            scope.api::<PartialObjectMeta<C>>(client.clone()),
            Some(&selector),
            health.clone(),
        )
        .try_filter_map(|child| async move { Ok(labelled(&child, labels::REGISTRY)) })
        .boxed()
    }
    vec![
        child::<Deployment>(scope, client, health),
        child::<StatefulSet>(scope, client, health),
        child::<Job>(scope, client, health),
        child::<Service>(scope, client, health),
        child::<ConfigMap>(scope, client, health),
        child::<PersistentVolumeClaim>(scope, client, health),
        child::<Ingress>(scope, client, health),
        child::<NetworkPolicy>(scope, client, health),
        child::<PodDisruptionBudget>(scope, client, health),
        child::<ServiceAccount>(scope, client, health),
    ]
}

/// Secrets: those of a Registry by label, and those that a Registry refers to by name.
pub(crate) fn registry_secrets(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<Registry> {
    let context = context.clone();
    touched(
        scope.api::<PartialObjectMeta<Secret>>(context.client.clone()),
        None,
        health.clone(),
    )
    .map_ok(move |secret| {
        let by_label = labelled::<Registry>(&secret, labels::REGISTRY);
        let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
        let by_name = in_namespace(&context.registries, &namespace, |registry| {
            crate::registry::references::secrets(registry).contains(&name)
        });
        stream::iter(by_label.into_iter().map(Ok)).chain(requests(by_name))
    })
    .try_flatten()
    .boxed()
}

/// ConfigMaps that a Registry refers to by name.
pub(crate) fn registry_config_maps(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<Registry> {
    let context = context.clone();
    let foreign = format!("{}!={}", labels::MANAGED_BY, labels::MANAGED_BY_VALUE);
    touched(
        scope.api::<PartialObjectMeta<ConfigMap>>(context.client.clone()),
        Some(&foreign),
        health.clone(),
    )
    .map_ok(move |map| {
        let (namespace, name) = (map.namespace().unwrap_or_default(), map.name_any());
        let concerned = in_namespace(&context.registries, &namespace, |registry| {
            crate::registry::references::config_maps(registry).contains(&name)
        });
        requests(concerned)
    })
    .try_flatten()
    .boxed()
}

/// Secrets that Projects write, by label, and by name those that they would write but may not.
pub(crate) fn project_secrets(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<Project> {
    let context = context.clone();
    touched(
        scope.api::<PartialObjectMeta<Secret>>(context.client.clone()),
        None,
        health.clone(),
    )
    .map_ok(move |secret| {
        let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
        let concerned = in_namespace(&context.projects, &namespace, |project| {
            project.spec.robots.iter().any(|robot| robot.secret.name == name)
        });
        requests(concerned)
    })
    .try_flatten()
    .boxed()
}

/// Service accounts that a Project wants its pull Secret on, when they appear or are edited (LESSONS B11).
pub(crate) fn service_accounts(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<Project> {
    let context = context.clone();
    touched(
        scope.api::<PartialObjectMeta<ServiceAccount>>(context.client.clone()),
        None,
        health.clone(),
    )
    .map_ok(move |account| {
        let (namespace, name) = (account.namespace().unwrap_or_default(), account.name_any());
        let concerned = in_namespace(&context.projects, &namespace, |project| {
            project
                .spec
                .robots
                .iter()
                .any(|robot| robot.attach_to_service_accounts.contains(&name))
        });
        requests(concerned)
    })
    .try_flatten()
    .boxed()
}

/// Namespaces whose labels changed: tenancy may let their Projects in now, or no longer. Only in the cluster's scope.
pub(crate) fn namespaces(context: &Arc<Context>, health: &Health) -> Requests<Project> {
    let context = context.clone();
    touched(
        Api::<PartialObjectMeta<Namespace>>::all(context.client.clone()),
        None,
        health.clone(),
    )
    .predicate_filter(predicates::labels, Default::default())
    .map_ok(move |namespace| {
        let name = namespace.name_any();
        context.namespaces.forget(&name);
        requests(in_namespace(&context.projects, &name, |_| true))
    })
    .try_flatten()
    .boxed()
}

/// A Registry that changed or turned: its Projects.
pub(crate) fn registries_turned(context: &Arc<Context>) -> Requests<Project> {
    let context = context.clone();
    heard(context.registry_turned.subscribe())
        .map(move |(namespace, name)| {
            let projects = context.projects_of(&namespace, &name);
            requests(projects)
        })
        .flatten()
        .boxed()
}

/// A Registry that is gone: its Projects have to let go.
pub(crate) fn registries_gone(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<Project> {
    let context = context.clone();
    gone(
        scope.api::<PartialObjectMeta<Registry>>(context.client.clone()),
        health,
    )
    .map_ok(move |registry| {
        let projects = context.projects_of(&registry.namespace().unwrap_or_default(), &registry.name_any());
        requests(projects)
    })
    .try_flatten()
    .boxed()
}

/// A Project that is gone: those that wait for its name may have it now.
pub(crate) fn projects_gone(scope: Scope<'_>, context: &Arc<Context>, health: &Health) -> Requests<Project> {
    let context = context.clone();
    gone(
        scope.api::<PartialObjectMeta<Project>>(context.client.clone()),
        health,
    )
    .map_ok(move |_| {
        let waiting = context.projects.filter(|project| match &project.0 {
            Ok(project) => project.status.as_ref().is_some_and(|status| {
                let ready = condition::get(&status.conditions, condition::READY);
                ready.is_some_and(|ready| ready.reason == condition::reason::NAME_TAKEN)
            }),
            Err(_) => false,
        });
        requests(waiting)
    })
    .try_flatten()
    .boxed()
}

/// A Registry whose last Project is gone may go as well.
pub(crate) fn registries_of_gone_projects(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<Registry> {
    let context = context.clone();
    gone(
        scope.api::<PartialObjectMeta<Project>>(context.client.clone()),
        health,
    )
    .map_ok(move |_| {
        let leaving = context
            .registries
            .filter(|registry| registry.meta().deletion_timestamp.is_some());
        requests(leaving)
    })
    .try_flatten()
    .boxed()
}

/// Project objects that come, go or get other labels: the policies of their namespace may be for them now, or no longer.
pub(crate) fn policies_of_projects(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<RetentionPolicy> {
    let context = context.clone();
    touched(
        scope.api::<PartialObjectMeta<Project>>(context.client.clone()),
        None,
        health.clone(),
    )
    .predicate_filter(
        predicates::labels.combine(predicates::generation),
        Default::default(),
    )
    .map_ok(move |project| {
        let namespace = project.namespace().unwrap_or_default();
        requests(in_namespace(&context.retention_policies, &namespace, |_| true))
    })
    .try_flatten()
    .boxed()
}

/// Projects that are in the registry now: the policies of their namespace.
pub(crate) fn policies_of_new_projects(context: &Arc<Context>) -> Requests<RetentionPolicy> {
    let context = context.clone();
    heard(context.project_turned.subscribe())
        .map(move |(namespace, _)| requests(in_namespace(&context.retention_policies, &namespace, |_| true)))
        .flatten()
        .boxed()
}

/// A Registry that changed or turned: the policies that are not ready, which may be so for its sake.
pub(crate) fn policies_of_registries(context: &Arc<Context>) -> Requests<RetentionPolicy> {
    let context = context.clone();
    heard(context.registry_turned.subscribe())
        .map(move |_| {
            let waiting = context.retention_policies.filter(|policy| match &policy.0 {
                Ok(policy) => !policy
                    .status
                    .as_ref()
                    .is_some_and(|status| condition::is_true(&status.conditions, condition::READY)),
                Err(_) => false,
            });
            requests(waiting)
        })
        .flatten()
        .boxed()
}

/// A policy that changed or is gone: others that wait for its projects may have them now.
pub(crate) fn policies_in_conflict(
    scope: Scope<'_>,
    context: &Arc<Context>,
    health: &Health,
) -> Requests<RetentionPolicy> {
    let context = context.clone();
    touched(
        scope.api::<PartialObjectMeta<RetentionPolicy>>(context.client.clone()),
        None,
        health.clone(),
    )
    .predicate_filter(predicates::generation, Default::default())
    .map_ok(move |changed| {
        let namespace = changed.namespace().unwrap_or_default();
        let waiting = in_namespace(&context.retention_policies, &namespace, |policy| {
            policy.status.as_ref().is_some_and(|status| {
                let synced = condition::get(&status.conditions, condition::SYNCED);
                synced.is_some_and(|synced| synced.reason == condition::reason::CONFLICT)
            })
        });
        requests(waiting)
    })
    .try_flatten()
    .boxed()
}

/// What is said on a channel. Missed messages are made good by the resync.
fn heard<T: Clone + Send + 'static>(
    receiver: broadcast::Receiver<T>,
) -> impl Stream<Item = T> + Send + 'static {
    stream::unfold(receiver, |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(said) => return Some((said, receiver)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
}

/// The metadata of objects of a kind as they go.
fn gone<K: Kind>(
    api: Api<PartialObjectMeta<K>>,
    health: &Health,
) -> impl Stream<Item = Result<PartialObjectMeta<K>, watcher::Error>> + Send + use<K> {
    events(api, watcher::Config::default(), health.clone()).try_filter_map(|event| async move {
        Ok(match event {
            watcher::Event::Delete(object) => Some(object),
            _ => None,
        })
    })
}

/// The objects of a namespace that are concerned.
fn in_namespace<K: Kind>(
    objects: &Stores<K>,
    namespace: &str,
    concerned: impl Fn(&K) -> bool,
) -> Vec<Arc<Guarded<K>>> {
    objects.filter(|object| match &object.0 {
        Ok(object) => object.meta().namespace.as_deref() == Some(namespace) && concerned(object),
        Err(_) => false,
    })
}

/// The requests for these objects.
fn requests<K: Kind>(
    objects: Vec<Arc<Guarded<K>>>,
) -> impl Stream<Item = Result<ReconcileRequest<Guarded<K>>, watcher::Error>> + Send {
    stream::iter(objects.into_iter().map(|object| {
        Ok(request(
            &object.namespace().unwrap_or_default(),
            &object.name_any(),
        ))
    }))
}
