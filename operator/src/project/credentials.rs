//! Robots' tokens and the service accounts that carry them, as one attempt at a Project settles them.

use std::collections::BTreeSet;

use kube::ResourceExt;
use slipway_crds::{
    ConditionStatus, Project, ProjectStatus, Registry, annotations, condition, condition::reason,
    project::Attachment,
};

use super::{desired::Desired, plan::Observed, pull_secret::Place, robots, service_accounts};
use crate::{
    context::Context,
    error::{Error, Result},
    registry_session::Session,
    status::Report,
};

/// The most entries of a list in status.
pub(crate) const MOST: usize = 20;

/// Every declared robot's token.
pub(crate) async fn settle_robots(
    context: &Context,
    session: &Session,
    project: &Project,
    desired: &Desired,
    observed: &Observed,
    after: &mut ProjectStatus,
    report: &mut Report,
) -> Result<()> {
    let (namespace, object) = (project.namespace().unwrap_or_default(), project.name_any());
    let hosts = hosts(&session.registry);
    let asked = project.annotations().get(annotations::ROTATE_NOW);
    let rotate_now = asked.is_some() && asked != after.last_handled_rotation.as_ref();
    let (mut known, mut failed) = (Vec::new(), None);
    for robot in &project.spec.robots {
        let (Some(wanted), Some(there)) = (desired.robots.get(&robot.name), observed.robots.get(&robot.name))
        else {
            continue;
        };
        let before = after.robots.iter().find(|before| before.name == robot.name);
        let place = Place {
            namespace: &namespace,
            name: &robot.secret.name,
            project: &object,
            robot: &robot.name,
            form: robot.secret.secret_type(),
            hosts: &hosts,
        };
        let case = robots::Case {
            robot,
            desired: wanted,
            observed: there,
            before,
            place,
            rotate_now,
        };
        match robots::settle(context, session, &case).await {
            Ok(status) => known.push(status),
            Err(error) => {
                known.extend(before.cloned());
                // One robot's trouble keeps no other robot from its token.
                match &error {
                    Error::Problem(problem) => report.problem(problem),
                    Error::NamespaceTerminating => return Err(error),
                    _ => drop(failed.get_or_insert(error)),
                }
            }
        }
    }
    after.robots = known;
    match failed {
        Some(error) => {
            report.waiting(
                condition::CREDENTIALS_READY,
                reason::TRANSIENT_ERROR,
                "a robot's token could not be settled and is tried again",
            );
            Err(error)
        }
        None => {
            after.last_handled_rotation = asked.cloned();
            if !project.spec.robots.is_empty() && report.is_ready() {
                report.good(
                    condition::CREDENTIALS_READY,
                    reason::SUCCEEDED,
                    "every robot's Secret holds a token that logged in",
                );
            }
            Ok(())
        }
    }
}

/// The names that stand in pull Secrets: bare, without scheme.
fn hosts(registry: &Registry) -> Vec<String> {
    registry.spec.hostnames().map(str::to_owned).collect()
}

/// The declared service accounts.
pub(crate) async fn settle_accounts(
    context: &Context,
    project: &Project,
    after: &mut ProjectStatus,
    report: &mut Report,
) -> Result<()> {
    let declared: BTreeSet<Attachment> = project
        .spec
        .robots
        .iter()
        .filter(|robot| after.robots.iter().any(|known| known.name == robot.name))
        .flat_map(|robot| {
            robot.attach_to_service_accounts.iter().map(|account| Attachment {
                service_account: account.clone(),
                secret_name: robot.secret.name.clone(),
            })
        })
        .collect();
    if declared.is_empty() && after.attached_service_accounts.is_empty() {
        return Ok(());
    }
    let namespace = project.namespace().unwrap_or_default();
    let before = &after.attached_service_accounts;
    let outcome = service_accounts::settle(&context.client, &namespace, &declared, before).await?;
    let late = service_accounts::too_early(&context.client, &namespace, &outcome.new).await?;
    if !late.is_empty() {
        let note = format!(
            "pods that started before their service account had the pull Secret never get it, delete them: {}",
            late.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ")
        );
        context.events.warning(project, "PodsTooEarly", note).await;
    }
    after.attached_service_accounts = outcome.attached;
    // What the schema admits; more than this is declared by nobody in earnest.
    after.attached_service_accounts.truncate(64);
    let missing = outcome.missing;
    if missing.is_empty() {
        report.good(
            condition::SERVICE_ACCOUNTS_ATTACHED,
            reason::SUCCEEDED,
            "the declared service accounts carry the pull Secrets",
        );
    } else {
        let message = format!(
            "there is no service account {} in this namespace; it gets the Secret when it appears",
            missing.join(", ")
        );
        report.note(
            condition::SERVICE_ACCOUNTS_ATTACHED,
            ConditionStatus::False,
            reason::SERVICE_ACCOUNTS_MISSING,
            message,
        );
    }
    Ok(())
}
