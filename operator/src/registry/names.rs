//! Names, labels and selectors of what belongs to a Registry. They are frozen: changing one would recreate objects that
//! hold data or make an update impossible (LESSONS E2). A golden test holds them still.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};
use slipway_crds::{Registry, RegistrySpec, labels};

/// A part of a Registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Component {
    /// The pods that answer clients.
    Serve,
    /// The pods that run jobs.
    Worker,
    /// PostgreSQL.
    Database,
    /// Redis.
    Cache,
    /// The migration Job.
    Migrate,
    /// What belongs to the Registry as a whole.
    Registry,
}

impl Component {
    /// As names and labels hold it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Worker => "worker",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Migrate => "migrate",
            Self::Registry => "registry",
        }
    }
}

/// Names the objects of one Registry.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// The Registry's own name.
    pub(crate) name: String,
    /// Its namespace, where all its objects are.
    pub(crate) namespace: String,
    owner: Option<OwnerReference>,
    common: BTreeMap<String, String>,
    installation: String,
    assigned_users: bool,
}

impl Names {
    /// The names of a Registry's objects.
    pub(crate) fn new(registry: &Registry, installation: &str) -> Self {
        Self {
            name: registry.name_any(),
            namespace: registry.namespace().unwrap_or_default(),
            owner: registry.controller_owner_ref(&()),
            common: common_labels(&registry.spec),
            installation: installation.to_owned(),
            assigned_users: false,
        }
    }

    /// The same on a platform that gives pods their users and groups.
    pub(crate) fn with_assigned_users(self, assigned_users: bool) -> Self {
        Self {
            assigned_users,
            ..self
        }
    }

    /// The user and group of a pod whose image knows this one; none where the platform assigns them.
    pub(crate) fn user(&self, usual: i64) -> Option<i64> {
        (!self.assigned_users).then_some(usual)
    }

    /// The name of a part's object.
    pub(crate) fn of(&self, part: &str) -> String {
        format!("{}-{part}", self.name)
    }

    /// Labels of an object: the operator's own and `commonLabels`, never the user's others (LESSONS C7).
    pub(crate) fn labels(&self, component: Component) -> BTreeMap<String, String> {
        let mut all = self.common.clone();
        all.extend(self.selector_labels(component));
        all.insert(labels::MANAGED_BY.to_owned(), labels::MANAGED_BY_VALUE.to_owned());
        all
    }

    /// The two labels by which pods are chosen. Frozen.
    pub(crate) fn selector_labels(&self, component: Component) -> BTreeMap<String, String> {
        BTreeMap::from([
            (labels::REGISTRY.to_owned(), self.name.clone()),
            (labels::COMPONENT.to_owned(), component.as_str().to_owned()),
        ])
    }

    /// The selector of a part's pods.
    pub(crate) fn selector(&self, component: Component) -> LabelSelector {
        LabelSelector {
            match_labels: Some(self.selector_labels(component)),
            match_expressions: None,
        }
    }

    /// Metadata of an object that goes with the Registry.
    pub(crate) fn owned(&self, part: &str, component: Component) -> ObjectMeta {
        ObjectMeta {
            owner_references: self.owner.clone().map(|owner| vec![owner]),
            ..self.kept(part, component)
        }
    }

    /// Metadata of an object that holds data or keys and so outlives the Registry.
    pub(crate) fn kept(&self, part: &str, component: Component) -> ObjectMeta {
        ObjectMeta {
            name: Some(self.of(part)),
            namespace: Some(self.namespace.clone()),
            labels: Some(self.labels(component)),
            ..ObjectMeta::default()
        }
    }

    /// The Registry as the owner of what goes with it.
    pub(crate) fn owner(&self) -> Option<&OwnerReference> {
        self.owner.as_ref()
    }

    /// The installation of the operator.
    pub(crate) fn installation(&self) -> &str {
        &self.installation
    }
}

fn common_labels(spec: &RegistrySpec) -> BTreeMap<String, String> {
    spec.managed
        .as_ref()
        .map(|managed| managed.common_labels.clone())
        .unwrap_or_default()
}

/// Whether an object carries the labels of what the operator made for this Registry.
pub(crate) fn is_ours(object: &impl ResourceExt, registry: &str) -> bool {
    let has = |key: &str, value: &str| object.labels().get(key).is_some_and(|known| known == value);
    has(labels::MANAGED_BY, labels::MANAGED_BY_VALUE) && has(labels::REGISTRY, registry)
}
