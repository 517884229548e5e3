//! What every reconciler is given.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use kube::{
    Client, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::reflector::{ObjectRef, Store},
};
use slipway_api::OwnerMark;
use slipway_crds::{Project, Registry, RetentionPolicy};
use tokio::sync::broadcast;

use crate::{
    arrivals::Arrivals, clock::Clock, definitions::Definitions, events::Events, fence::Fence,
    namespaces::Namespaces, options::Options, registry_session::Sessions, written::Written,
};

/// An object that may not be readable: it costs only itself.
pub(crate) type Guarded<K> = DeserializeGuard<K>;

/// Shared by all reconcilers.
pub(crate) struct Context {
    /// The Kubernetes API, behind the fence.
    pub(crate) client: Client,
    /// The time.
    pub(crate) clock: Clock,
    /// The arguments.
    pub(crate) options: Options,
    /// The name of this installation.
    pub(crate) installation: String,
    /// Events on objects.
    pub(crate) events: Events,
    /// The lease.
    pub(crate) fence: Fence,
    /// What is known of namespaces.
    pub(crate) namespaces: Namespaces,
    /// Clients of registries.
    pub(crate) sessions: Sessions,
    /// All Registries.
    pub(crate) registries: Stores<Registry>,
    /// All Projects.
    pub(crate) projects: Stores<Project>,
    /// All RetentionPolicies.
    pub(crate) retention_policies: Stores<RetentionPolicy>,
    /// Failures in a row, by object.
    pub(crate) failures: Failures,
    /// What was looked at since the start.
    pub(crate) arrivals: Arrivals,
    /// Whether the installed definitions are ours.
    pub(crate) definitions: Definitions,
    /// What was written last.
    pub(crate) written: Written,
    /// A Registry turned: its Projects are to be looked at.
    pub(crate) registry_turned: broadcast::Sender<(String, String)>,
    /// A Project has its project in the registry now: policies of its namespace are to be looked at.
    pub(crate) project_turned: broadcast::Sender<(String, String)>,
}

impl Context {
    /// The Registry of this name, from the watch.
    pub(crate) fn registry(&self, namespace: &str, name: &str) -> Option<Arc<Guarded<Registry>>> {
        self.registries.get(namespace, name)
    }

    /// Whether another installation of the operator handles an object: then it is left alone, status included, because
    /// two writers would never come to rest (LESSONS G3).
    pub(crate) async fn is_foreign<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        installation: Option<&str>,
    ) -> bool {
        let Some(other) = installation.filter(|known| *known != self.installation) else {
            return false;
        };
        let note = format!(
            "another installation of the operator ({other}) handles this object, {} leaves it alone; uninstall one of the \
             two, or clear status.installation to hand it over",
            self.installation
        );
        self.events
            .warning(object, slipway_crds::condition::reason::OTHER_INSTALLATION, note)
            .await;
        true
    }

    /// The mark of an object on what it declares in a registry.
    pub(crate) fn mark_of<K: Resource<DynamicType = ()>>(&self, object: &K) -> OwnerMark {
        OwnerMark {
            cluster: self.installation.clone(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
        }
    }

    /// The Projects that refer to a Registry.
    pub(crate) fn projects_of(&self, namespace: &str, name: &str) -> Vec<Arc<Guarded<Project>>> {
        self.projects.filter(|project| {
            let Ok(project) = &project.0 else { return false };
            let reference = &project.spec.registry_ref;
            let own = project.metadata.namespace.as_deref().unwrap_or_default();
            reference.name == name && reference.namespace_or(own) == namespace
        })
    }
}

/// The caches of one kind: one for the whole cluster, or one for each namespace that is watched.
pub(crate) struct Stores<K: Resource<DynamicType = ()> + Clone + 'static> {
    stores: OnceLock<Vec<Store<Guarded<K>>>>,
}

impl<K: Resource<DynamicType = ()> + Clone + 'static> Default for Stores<K> {
    fn default() -> Self {
        Self {
            stores: OnceLock::new(),
        }
    }
}

impl<K: Resource<DynamicType = ()> + Clone + 'static> Stores<K> {
    /// Sets the caches, once, before anything is reconciled.
    pub(crate) fn set(&self, stores: Vec<Store<Guarded<K>>>) {
        // A second call would be a mistake of the start-up; the first one stays.
        let _ = self.stores.set(stores);
    }

    /// Waits for the first full list: before that, absence means nothing (LESSONS G4).
    pub(crate) async fn wait_until_ready(&self) {
        for store in self.all() {
            let _ = store.wait_until_ready().await;
        }
    }

    /// One object.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Guarded<K>>> {
        let key = ObjectRef::<Guarded<K>>::new(name).within(namespace);
        self.all().iter().find_map(|store| store.get(&key))
    }

    /// The objects that fit.
    pub(crate) fn filter(&self, fits: impl Fn(&Guarded<K>) -> bool) -> Vec<Arc<Guarded<K>>> {
        self.all()
            .iter()
            .flat_map(|store| store.state_filter(|object| fits(object)))
            .collect()
    }

    /// How many objects there are.
    pub(crate) fn count(&self) -> usize {
        self.all().iter().map(Store::len).sum()
    }

    fn all(&self) -> &[Store<Guarded<K>>] {
        self.stores.get().map_or(&[], Vec::as_slice)
    }
}

/// How often in a row each object failed.
#[derive(Default)]
pub(crate) struct Failures {
    counts: Mutex<HashMap<String, u32>>,
}

impl Failures {
    /// One more; answers how many there were before.
    pub(crate) fn count<K: Resource<DynamicType = ()>>(&self, object: &K) -> u32 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key(object)).or_default();
        *count = count.saturating_add(1);
        *count - 1
    }

    /// It went well.
    pub(crate) fn reset<K: Resource<DynamicType = ()>>(&self, object: &K) {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key(object));
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> String {
    format!(
        "{}/{}/{}",
        K::kind(&()),
        object.namespace().unwrap_or_default(),
        object.name_any()
    )
}
