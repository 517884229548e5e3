//! Clean-up that a Project could not wait for: noted on the Registry, done when it answers.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use slipway_api::client::Client;
use slipway_crds::{Project, Registry, common::DeletionPolicy, registry::OwedCleanup};

use super::{execute::gone_is_fine, observe};
use crate::{
    context::Context,
    error::{Error, Result},
};

/// The most entries that a status holds.
const MOST: usize = 20;
/// How often a conflict with another writer is tried again.
const TRIES: usize = 10;
const DELETE_PROJECT: &str = "delete-project";
const DELETE_ROBOTS: &str = "delete-robots";

/// What a Project that goes leaves to be done.
pub(crate) fn of(project: &Project, robots: &[String]) -> OwedCleanup {
    let object = project.name_any();
    let name = project.spec.project_name(&object);
    let verb = match project.spec.deletion_policy() {
        DeletionPolicy::Delete => DELETE_PROJECT,
        DeletionPolicy::Retain => DELETE_ROBOTS,
    };
    let action = format!("{verb} {name} {}", robots.join(" "));
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
    edit(context, registry, |list| {
        if !list.contains(&owed) && list.len() < MOST {
            list.push(owed.clone());
        }
    })
    .await
}

/// Does what is owed and takes it off the list. What fails stays for the next time.
pub(crate) async fn settle(context: &Context, client: &Client, registry: &Registry) -> Result<()> {
    let mut done = Vec::new();
    for owed in registry.status.iter().flat_map(|status| &status.owed_cleanup) {
        context.fence.enforce();
        match one(client, owed).await {
            Ok(()) => done.push(owed),
            Err(error) => {
                tracing::info!(%error, action = owed.action, "clean-up that is owed is tried again");
            }
        }
    }
    if done.is_empty() {
        return Ok(());
    }
    edit(context, registry, |list| {
        list.retain(|owed| !done.contains(&owed))
    })
    .await
}

/// Changes the list as it is now, and nothing else of the status. It has many writers: a conflict is tried again.
async fn edit(context: &Context, registry: &Registry, change: impl Fn(&mut Vec<OwedCleanup>)) -> Result<()> {
    let namespace = registry.namespace().ok_or(Error::Incomplete("namespace"))?;
    let api: Api<Registry> = Api::namespaced(context.client.clone(), &namespace);
    let name = registry.name_any();
    let mut tries = 0;
    loop {
        let Some(now) = api.get_opt(&name).await.map_err(Error::from_kube)? else {
            return Ok(());
        };
        let before = now.status.clone().unwrap_or_default().owed_cleanup;
        let mut list = before.clone();
        change(&mut list);
        if list == before {
            return Ok(());
        }
        let patch =
            json!({"metadata": {"resourceVersion": now.resource_version()}, "status": {"owedCleanup": list}});
        match api
            .patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
        {
            Ok(stored) => {
                context.written.note(&stored);
                return Ok(());
            }
            Err(kube::Error::Api(status)) if status.is_conflict() && tries < TRIES => tries += 1,
            Err(error) => return Err(Error::from_kube(error)),
        }
    }
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
        match client.project_delete(project).await {
            // It holds repositories: nobody is left to ask, so it stays, and the robots go.
            Err(error) if error.is_precondition() => {}
            other => return gone_is_fine(other),
        }
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
