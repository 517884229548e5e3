//! The robots that a Project made before, found by their Secrets and, as a second source, by the status: a lost status
//! loses no robot.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt, api::ListParams};
use slipway_crds::{ProjectStatus, annotations, labels};

use super::pull_secret;
use crate::{
    apply,
    error::{Error, Result},
};

/// Secrets by robot: those that carry this Project's mark.
pub(crate) async fn secrets(
    client: &Client,
    namespace: &str,
    project: &str,
) -> Result<Vec<(String, String)>> {
    let selector = format!(
        "{}={},{}={project}",
        labels::MANAGED_BY,
        labels::MANAGED_BY_VALUE,
        labels::PROJECT
    );
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let list = api
        .list_metadata(&ListParams::default().labels(&selector))
        .await
        .map_err(Error::from_kube)?;
    let prefix = pull_secret::owner(project, "");
    Ok(list
        .items
        .iter()
        // A copy that somebody made carries the marks as well; what he wrote is his.
        .filter(|secret| apply::is_written_by_us(*secret))
        .filter_map(|secret| {
            let robot = secret
                .annotations()
                .get(annotations::OWNER)?
                .strip_prefix(&prefix)?;
            Some((robot.to_owned(), secret.name_any()))
        })
        .collect())
}

/// The names of all robots made before.
pub(crate) fn robots(secrets: &[(String, String)], status: &ProjectStatus) -> Vec<String> {
    let mut names: Vec<String> = secrets.iter().map(|(robot, _)| robot.clone()).collect();
    names.extend(status.robots.iter().map(|robot| robot.name.clone()));
    names.sort();
    names.dedup();
    names
}

/// Deletes the Secrets that no declared robot has any more: (robot, Secret) pairs in `declared` stay.
pub(crate) async fn remove_surplus(
    client: &Client,
    namespace: &str,
    secrets: &[(String, String)],
    declared: &BTreeMap<String, String>,
) -> Result<()> {
    for (robot, secret) in secrets {
        if declared.get(robot) != Some(secret) {
            apply::delete::<Secret>(client, namespace, secret).await?;
        }
    }
    Ok(())
}
