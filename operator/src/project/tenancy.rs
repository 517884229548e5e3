//! What a Registry's tenancy rule permits a Project to ask for.

use slipway_crds::{Project, condition, condition::reason, project::Visibility, registry::TenancyRule};

use super::desired::Desired;
use crate::{
    context::Context,
    error::{Error, Problem, Result},
};

fn refused(message: String) -> Error {
    Problem::user(condition::SYNCED, reason::NOT_PERMITTED, message).into()
}

/// An error when the Project asks for more than the rule permits. Within the Registry's own namespace there is no rule.
pub(crate) fn check(
    context: &Context,
    project: &Project,
    desired: &Desired,
    rule: Option<&TenancyRule>,
) -> Result<()> {
    let Some(rule) = rule else { return Ok(()) };
    let namespace = project.metadata.namespace.as_deref().unwrap_or_default();
    check_rule(project, desired, rule, namespace)?;
    check_storage(context, project, desired, rule, namespace)
}

/// The part of [`check`] that needs nothing but the object.
pub(crate) fn check_rule(
    project: &Project,
    desired: &Desired,
    rule: &TenancyRule,
    namespace: &str,
) -> Result<()> {
    if !rule.allows_project(namespace, &desired.name) {
        let names: Vec<String> = rule
            .project_names
            .iter()
            .map(|name| name.replace("{namespace}", namespace))
            .collect();
        return Err(refused(format!(
            "projects of this namespace may be named {}, not {}: change spec.name, or ask the Registry's owner",
            names.join(", "),
            desired.name
        )));
    }
    let visibility = project.spec.visibility.unwrap_or_default();
    let private_only = rule.visibilities.is_empty() && visibility != Visibility::Private;
    if private_only || !(rule.visibilities.is_empty() || rule.visibilities.contains(&visibility)) {
        return Err(refused(format!(
            "spec.visibility {visibility:?} is not permitted to this namespace"
        )));
    }
    for robot in &project.spec.robots {
        check_robot(robot, rule)?;
    }
    Ok(())
}

fn check_robot(robot: &slipway_crds::project::Robot, rule: &TenancyRule) -> Result<()> {
    let name = &robot.name;
    if !robot.attach_to_service_accounts.is_empty() && rule.service_accounts != Some(true) {
        return Err(refused(format!(
            "spec.robots[{name}].attachToServiceAccounts is not permitted to this namespace: refer to the Secret in \
             imagePullSecrets yourself, or ask the Registry's owner for serviceAccounts: true"
        )));
    }
    let Some(limits) = &rule.robots else { return Ok(()) };
    if !limits.actions.is_empty() {
        let wanted = robot
            .permissions
            .iter()
            .flat_map(|permission| &permission.actions);
        if let Some(action) = wanted.into_iter().find(|action| !limits.actions.contains(action)) {
            return Err(refused(format!(
                "spec.robots[{name}].permissions: the action {} is not permitted to this namespace",
                action.as_str()
            )));
        }
    }
    let longest = limits.max_lifetime.as_ref().and_then(|life| life.to_std().ok());
    let asked = robot.expires_after.as_ref().and_then(|life| life.to_std().ok());
    match (longest, asked) {
        (Some(longest), Some(asked)) if asked <= longest => Ok(()),
        (Some(_), _) => Err(refused(format!(
            "spec.robots[{name}].expiresAfter must be set and at most {}",
            limits
                .max_lifetime
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
        ))),
        (None, _) => Ok(()),
    }
}

/// The quotas of a namespace's Projects together.
fn check_storage(
    context: &Context,
    project: &Project,
    desired: &Desired,
    rule: &TenancyRule,
    namespace: &str,
) -> Result<()> {
    let Some(limit) = rule.max_storage.as_ref() else {
        return Ok(());
    };
    let most = limit
        .bytes()
        .map_err(|error| refused(format!("the Registry's tenancy: maxStorage: {error}")))?;
    let Some(own) = desired.quota.and_then(|bytes| u64::try_from(bytes).ok()) else {
        return Err(refused(format!(
            "spec.quota.storage must be set to an amount: the quotas of this namespace may sum up to {limit}"
        )));
    };
    let reference = &project.spec.registry_ref;
    let others = context.projects_of(reference.namespace_or(namespace), &reference.name);
    // Older objects come first, so that a new one cannot push an existing one over the limit.
    let rank = |project: &Project| {
        (
            project.metadata.creation_timestamp.clone(),
            project.metadata.name.clone(),
        )
    };
    let before: u64 = others
        .iter()
        .filter_map(|other| other.0.as_ref().ok())
        .filter(|other| other.metadata.namespace.as_deref() == Some(namespace) && rank(other) < rank(project))
        .filter_map(|other| other.spec.quota.as_ref()?.storage.bytes().ok())
        .fold(0, u64::saturating_add);
    if before.saturating_add(own) > most {
        return Err(refused(format!(
            "spec.quota.storage: the quotas of this namespace may sum up to {limit}; lower this one or another"
        )));
    }
    Ok(())
}
