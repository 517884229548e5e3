//! Which projects a policy is for.

use std::collections::BTreeMap;

use kube::{Resource, ResourceExt};
use slipway_crds::{
    Project, RegistryRef, RetentionPolicy, condition, condition::reason, retention_policy::RetentionProjects,
};

use crate::{
    context::Context,
    error::{Error, Problem, Result},
};

/// A project that the policy is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The name of the Project object.
    pub(crate) object: String,
    /// The project's id in the registry.
    pub(crate) id: i64,
}

/// The projects of a policy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets {
    /// By the Registry, as seen from the policy's namespace: its namespace and name.
    pub(crate) by_registry: BTreeMap<RegistryRef, Vec<Target>>,
    /// Project objects that have no project in the registry yet.
    pub(crate) waiting: Vec<String>,
}

impl Targets {
    /// How many Project objects there are.
    pub(crate) fn count(&self) -> usize {
        self.by_registry.values().map(Vec::len).sum::<usize>() + self.waiting.len()
    }
}

/// Whether a policy is for a Project, both of one namespace.
pub(crate) fn is_for(policy: &RetentionPolicy, project: &Project) -> bool {
    if policy.metadata.namespace != project.metadata.namespace {
        return false;
    }
    match policy.spec.projects() {
        Ok(RetentionProjects::One(reference)) => project.metadata.name.as_deref() == Some(&reference.name),
        Ok(RetentionProjects::Selected(selector)) => selector.matches(project.metadata.labels.as_ref()),
        Err(_) => false,
    }
}

/// Looks the projects up. One that is named and does not exist is an error; a selector may choose nothing.
pub(crate) fn of(context: &Context, policy: &RetentionPolicy) -> Result<Targets> {
    let chosen = context
        .projects
        .filter(|project| project.0.as_ref().is_ok_and(|project| is_for(policy, project)));
    let projects: Vec<&Project> = chosen
        .iter()
        .filter_map(|project| project.0.as_ref().ok())
        .collect();
    if let (Ok(RetentionProjects::One(reference)), []) = (policy.spec.projects(), projects.as_slice()) {
        let message = format!(
            "there is no Project {} in this namespace: correct spec.projectRef.name, or create it",
            reference.name
        );
        return Err(Error::from(Problem::user(
            condition::SYNCED,
            reason::WAITING,
            message,
        )));
    }
    Ok(sorted(&projects))
}

/// Sorts Projects by their Registry. Pure.
pub(crate) fn sorted(projects: &[&Project]) -> Targets {
    let mut targets = Targets::default();
    for project in projects {
        if project.meta().deletion_timestamp.is_some() {
            continue;
        }
        let own = project.namespace().unwrap_or_default();
        let object = project.name_any();
        let Some(id) = project.status.as_ref().and_then(|status| status.project_id) else {
            targets.waiting.push(object);
            continue;
        };
        let reference = &project.spec.registry_ref;
        let reference = RegistryRef {
            name: reference.name.clone(),
            namespace: Some(reference.namespace_or(&own).to_owned()),
        };
        targets
            .by_registry
            .entry(reference)
            .or_default()
            .push(Target { object, id });
    }
    for found in targets.by_registry.values_mut() {
        found.sort_by(|one, other| one.object.cmp(&other.object));
    }
    targets.waiting.sort();
    targets
}
