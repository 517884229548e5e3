//! Clean-up that a Project could not wait for: noted on the Registry, done when it answers.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use slipway_api::client::Client;
use slipway_crds::{Project, Registry, RegistryStatus, common::DeletionPolicy, registry::OwedCleanup};

use super::{execute::gone_is_fine, observe};
use crate::{
    context::Context,
    error::{Error, Result},
};

/// The most entries that a status holds.
const MOST: usize = 20;
const DELETE_PROJECT: &str = "delete-project";
const DELETE_ROBOTS: &str = "delete-robots";

/// What a Project that goes leaves to be done.
pub(crate) fn of(project: &Project, robots: &[String]) -> OwedCleanup {
    let object = project.name_any();
    let name = project.spec.project_name(&object);
    let action = match project.spec.deletion_policy() {
        DeletionPolicy::Delete => format!("{DELETE_PROJECT} {name}"),
        DeletionPolicy::Retain => format!("{DELETE_ROBOTS} {name} {}", robots.join(" ")),
    };
    OwedCleanup {
        kind: "Project".to_owned(),
        namespace: project.namespace().unwrap_or_default(),
        name: object,
        uid: project.uid().unwrap_or_default(),
        action,
    }
}

/// Notes it on the Registry. A list that is full takes no more: the log and an Event tell as well.
pub(crate) async fn note(context: &Context, registry: &Registry, owed: OwedCleanup) -> Result<()> {
    let namespace = registry.namespace().ok_or(Error::Incomplete("namespace"))?;
    let api: Api<Registry> = Api::namespaced(context.client.clone(), &namespace);
    let Some(now) = api
        .get_opt(&registry.name_any())
        .await
        .map_err(Error::from_kube)?
    else {
        return Ok(());
    };
    let mut list = now.status.clone().unwrap_or_default().owed_cleanup;
    if list.contains(&owed) || list.len() >= MOST {
        return Ok(());
    }
    list.push(owed);
    let patch =
        json!({"metadata": {"resourceVersion": now.resource_version()}, "status": {"owedCleanup": list}});
    let stored = api
        .patch_status(
            &registry.name_any(),
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await
        .map_err(Error::from_kube)?;
    context.written.note(&stored);
    Ok(())
}

/// Does what is owed and takes it off the list. What fails stays for the next time.
pub(crate) async fn settle(context: &Context, client: &Client, status: &mut RegistryStatus) {
    let mut left = Vec::new();
    for owed in std::mem::take(&mut status.owed_cleanup) {
        context.fence.enforce();
        if let Err(error) = one(client, &owed).await {
            tracing::info!(%error, action = owed.action, "clean-up that is owed is tried again");
            left.push(owed);
        }
    }
    status.owed_cleanup = left;
}

/// Only where the project still carries the mark of the object that went.
async fn one(client: &Client, owed: &OwedCleanup) -> Result<()> {
    let mut words = owed.action.split_whitespace();
    let (Some(verb), Some(project)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let mark = match client.owner_get(project).await {
        Ok(mark) => mark,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if mark.is_none_or(|mark| mark.uid != owed.uid) {
        return Ok(());
    }
    if verb == DELETE_PROJECT {
        return match client.project_delete(project).await {
            // It holds repositories: nobody is left to ask, so it stays.
            Err(error) if error.is_precondition() => Ok(()),
            other => gone_is_fine(other),
        };
    }
    let names: Vec<&str> = words.collect();
    let id = client.project_get(project).await?.project_id;
    for (name, robot) in observe::robots(client, project, id).await? {
        if names.contains(&name.as_str()) {
            gone_is_fine(client.robot_delete(robot.id).await)?;
        }
    }
    gone_is_fine(client.owner_release(project, &owed.uid).await)
}
