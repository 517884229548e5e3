//! Pull Secrets on service accounts. Their list is atomic under server-side apply, which would wipe other people's
//! entries: so it is read, changed and written against the version that was read (LESSONS B11).

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{LocalObjectReference, ServiceAccount};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
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
    /// The list is as wanted.
    Yes,
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
            return Ok(Done::Yes);
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
            Ok(_) => return Ok(Done::Yes),
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

/// Attaches what is declared and detaches what was attached before and is no longer declared. Answers what is attached
/// and which service accounts do not exist.
pub(crate) async fn settle(
    client: &Client,
    namespace: &str,
    declared: &BTreeSet<Attachment>,
    before: &[Attachment],
) -> Result<(Vec<Attachment>, Vec<String>)> {
    for old in before.iter().filter(|old| !declared.contains(*old)) {
        edit(client, namespace, old, Edit::Detach).await?;
    }
    let (mut attached, mut missing) = (Vec::new(), Vec::new());
    for wanted in declared {
        match edit(client, namespace, wanted, Edit::Attach).await? {
            Done::Yes => attached.push(wanted.clone()),
            Done::Missing => missing.push(wanted.service_account.clone()),
        }
    }
    missing.dedup();
    Ok((attached, missing))
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
