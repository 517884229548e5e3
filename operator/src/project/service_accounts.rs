//! Pull Secrets on service accounts. Their list is atomic under server-side apply, which would wipe other people's
//! entries: so it is read, changed and written against the version that was read (LESSONS B11).

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{LocalObjectReference, Pod, ServiceAccount};
use kube::{
    Api, Client,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;
use slipway_crds::project::Attachment;

use crate::error::{Error, Result};

/// What is done to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The Secret is put in.
    Attach,
    /// The Secret is taken out.
    Detach,
}

/// What came of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// The list is as wanted already.
    Already,
    /// The list was changed.
    Changed,
    /// There is no such service account.
    Missing,
}

/// The list with or without a Secret; `None` when it is so already. Foreign entries keep their places.
pub(crate) fn edited(
    current: &[LocalObjectReference],
    secret: &str,
    edit: Edit,
) -> Option<Vec<LocalObjectReference>> {
    let there = current.iter().any(|entry| entry.name == secret);
    match (edit, there) {
        (Edit::Attach, false) => {
            let mut list = current.to_vec();
            list.push(LocalObjectReference {
                name: secret.to_owned(),
            });
            Some(list)
        }
        (Edit::Detach, true) => Some(
            current
                .iter()
                .filter(|entry| entry.name != secret)
                .cloned()
                .collect(),
        ),
        _ => None,
    }
}

/// Edits one service account; a conflict with somebody else's write is tried again.
pub(crate) async fn edit(
    client: &Client,
    namespace: &str,
    attachment: &Attachment,
    edit: Edit,
) -> Result<Done> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    for _ in 0..5 {
        let Some(account) = api
            .get_opt(&attachment.service_account)
            .await
            .map_err(Error::from_kube)?
        else {
            return Ok(Done::Missing);
        };
        let current = account.image_pull_secrets.as_deref().unwrap_or_default();
        let Some(list) = edited(current, &attachment.secret_name, edit) else {
            return Ok(Done::Already);
        };
        let patch = json!({
            "metadata": {"resourceVersion": account.metadata.resource_version, "uid": account.metadata.uid},
            "imagePullSecrets": list,
        });
        match api
            .patch(
                &attachment.service_account,
                &PatchParams::default(),
                &Patch::Merge(&patch),
            )
            .await
        {
            Ok(_) => return Ok(Done::Changed),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(Done::Missing),
            Err(error) => return Err(Error::from_kube(error)),
        }
    }
    Err(kube::Error::Api(
        kube::core::Status::failure("the service account is written to all the time", "Conflict")
            .with_code(409)
            .boxed(),
    )
    .into())
}

/// What is attached after [`settle`].
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// All of it.
    pub(crate) attached: Vec<Attachment>,
    /// What was attached just now.
    pub(crate) new: Vec<Attachment>,
    /// Service accounts that do not exist.
    pub(crate) missing: Vec<String>,
}

/// Attaches what is declared and detaches what was attached before and is no longer declared.
pub(crate) async fn settle(
    client: &Client,
    namespace: &str,
    declared: &BTreeSet<Attachment>,
    before: &[Attachment],
) -> Result<Outcome> {
    for old in before.iter().filter(|old| !declared.contains(*old)) {
        edit(client, namespace, old, Edit::Detach).await?;
    }
    let mut outcome = Outcome::default();
    for wanted in declared {
        match edit(client, namespace, wanted, Edit::Attach).await? {
            Done::Missing => outcome.missing.push(wanted.service_account.clone()),
            done => {
                outcome.attached.push(wanted.clone());
                if done == Done::Changed {
                    outcome.new.push(wanted.clone());
                }
            }
        }
    }
    outcome.missing.dedup();
    Ok(outcome)
}

/// Pods that were admitted before their service account had the Secret never get it: they wait for their image for ever,
/// unless somebody deletes them.
pub(crate) async fn too_early(client: &Client, namespace: &str, new: &[Attachment]) -> Result<Vec<String>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pods = match api
        .list(&ListParams::default().fields("status.phase=Pending").limit(200))
        .await
    {
        Ok(pods) => pods,
        Err(kube::Error::Api(status)) if status.is_forbidden() => return Ok(Vec::new()),
        Err(error) => return Err(Error::from_kube(error)),
    };
    Ok(pods
        .items
        .iter()
        .filter(|pod| is_too_early(pod, new))
        .filter_map(|pod| pod.metadata.name.clone())
        .collect())
}

fn is_too_early(pod: &Pod, new: &[Attachment]) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let account = spec.service_account_name.as_deref().unwrap_or("default");
    let secrets = spec.image_pull_secrets.as_deref().unwrap_or_default();
    let lacks = new.iter().any(|attachment| {
        attachment.service_account == account
            && !secrets.iter().any(|entry| entry.name == attachment.secret_name)
    });
    let containers = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    let mut waiting =
        containers.filter_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    lacks && waiting.any(|reason| matches!(reason, "ErrImagePull" | "ImagePullBackOff"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<LocalObjectReference> {
        names
            .iter()
            .map(|name| LocalObjectReference {
                name: (*name).to_owned(),
            })
            .collect()
    }

    #[test]
    fn b11_foreign_entries_stay() {
        let foreign = list(&["theirs", "other"]);
        let attached = edited(&foreign, "ours", Edit::Attach).expect("a change");
        assert_eq!(attached, list(&["theirs", "other", "ours"]));
        assert_eq!(edited(&attached, "ours", Edit::Attach), None);
        assert_eq!(edited(&attached, "ours", Edit::Detach), Some(foreign.clone()));
        assert_eq!(edited(&foreign, "ours", Edit::Detach), None);
    }
}
