//! How the children do: read from their status, with the reason a pod gives when it does not come up.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        batch::v1::Job,
        core::v1::{PersistentVolumeClaim, Pod},
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{Api, Client, api::ListParams};

use super::names::{Component, Names};
use crate::error::{Error, Result};

/// How far a workload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All pods run what is declared.
    Done,
    /// Pods serve, and others are being replaced.
    Rolling,
    /// No pod serves.
    Down,
}

/// How far a Deployment is.
pub(crate) fn deployment(deployment: &Deployment) -> Progress {
    let wanted = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    let Some(status) = &deployment.status else {
        return Progress::Down;
    };
    let current = status.observed_generation >= deployment.metadata.generation;
    let available = status.available_replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    let total = status.replicas.unwrap_or(0);
    match (
        current && updated >= wanted && available >= wanted && total == wanted,
        available > 0,
    ) {
        (true, _) => Progress::Done,
        (false, true) => Progress::Rolling,
        (false, false) => Progress::Down,
    }
}

/// How far a StatefulSet of one pod is.
pub(crate) fn stateful_set(set: &StatefulSet) -> Progress {
    let Some(status) = &set.status else {
        return Progress::Down;
    };
    let current = status.observed_generation >= set.metadata.generation;
    let ready = status.ready_replicas.unwrap_or(0) > 0;
    let updated =
        status.current_revision == status.update_revision || status.updated_replicas.unwrap_or(0) > 0;
    match (ready, current && updated) {
        (true, true) => Progress::Done,
        (true, false) => Progress::Rolling,
        (false, _) => Progress::Down,
    }
}

/// How a Job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It runs or waits.
    Running,
    /// It did its work.
    Complete,
    /// It gave up.
    Failed,
}

/// How a Job ended.
pub(crate) fn job(job: &Job) -> Outcome {
    let conditions = job
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let holds = |type_: &str| {
        conditions
            .iter()
            .any(|condition| condition.type_ == type_ && condition.status == "True")
    };
    if holds("Complete") {
        Outcome::Complete
    } else if holds("Failed") {
        Outcome::Failed
    } else {
        Outcome::Running
    }
}

/// Whether a claim has its volume.
pub(crate) fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound")
}

/// Whether a bound claim waits for its volume to reach the size that it asks for.
pub(crate) fn is_growing(claim: &PersistentVolumeClaim) -> bool {
    let size = |amounts: Option<&BTreeMap<String, Quantity>>| {
        let amount = amounts?.get("storage")?;
        slipway_crds::Quantity::new(amount.0.as_str()).millis().ok()
    };
    let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
    let wanted = size(resources.and_then(|resources| resources.requests.as_ref()));
    let present = size(claim.status.as_ref().and_then(|status| status.capacity.as_ref()));
    is_bound(claim) && matches!((wanted, present), (Some(wanted), Some(present)) if present < wanted)
}

/// Why pods of a part do not come up, in their own words; nothing when no pod complains.
pub(crate) async fn complaint(
    client: &Client,
    names: &Names,
    component: Component,
) -> Result<Option<String>> {
    let selector = names
        .selector_labels(component)
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join(",");
    let api: Api<Pod> = Api::namespaced(client.clone(), &names.namespace);
    let pods = match api.list(&ListParams::default().labels(&selector).limit(50)).await {
        Ok(pods) => pods,
        // The answer is a help, not a need.
        Err(kube::Error::Api(status)) if status.is_forbidden() => return Ok(None),
        Err(error) => return Err(Error::from_kube(error)),
    };
    Ok(pods.items.iter().find_map(of_pod))
}

/// What a pod complains about: an image that cannot be pulled, a crash with its last words, a node that is not found.
pub(crate) fn of_pod(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let containers = status
        .container_statuses
        .iter()
        .chain(&status.init_container_statuses)
        .flatten();
    for container in containers {
        let state = container.state.as_ref();
        if let Some(waiting) = state.and_then(|state| state.waiting.as_ref())
            && let Some(reason) = waiting.reason.as_deref()
            && !matches!(reason, "ContainerCreating" | "PodInitializing")
        {
            let last = container
                .last_state
                .as_ref()
                .and_then(|state| state.terminated.as_ref());
            let words = last
                .and_then(|last| last.message.as_deref())
                .or(waiting.message.as_deref());
            return Some(format!("container {}: {reason}{}", container.name, tail(words)));
        }
        if let Some(terminated) = state.and_then(|state| state.terminated.as_ref())
            && terminated.exit_code != 0
        {
            let reason = terminated.reason.as_deref().unwrap_or("Error");
            return Some(format!(
                "container {}: {reason}{}",
                container.name,
                tail(terminated.message.as_deref())
            ));
        }
    }
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some(format!(
        "no node takes the pod{}",
        tail(unscheduled.message.as_deref())
    ))
}

/// The end of what was said: that is where the cause stands.
fn tail(words: Option<&str>) -> String {
    let Some(words) = words.map(str::trim).filter(|words| !words.is_empty()) else {
        return String::new();
    };
    let lines: Vec<&str> = words
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(2)
        .collect();
    let text: String = lines.into_iter().rev().collect::<Vec<_>>().join(" / ");
    let skip = text.chars().count().saturating_sub(400);
    format!(": {}", text.chars().skip(skip).collect::<String>())
}

/// What PostgreSQL, Kubernetes or the registry said in a migration's pod.
pub(crate) async fn migration_log(client: &Client, names: &Names, job: &str) -> Option<String> {
    use kube::api::LogParams;
    let api: Api<Pod> = Api::namespaced(client.clone(), &names.namespace);
    let pods = api
        .list(&ListParams::default().labels(&format!("job-name={job}")))
        .await
        .ok()?;
    let done = pods
        .items
        .iter()
        .find(|pod| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Succeeded"))?;
    let parameters = LogParams {
        tail_lines: Some(20),
        ..LogParams::default()
    };
    api.logs(done.metadata.name.as_deref()?, &parameters).await.ok()
}

/// The schema's version as `migrate` prints it: the last number in the last line that holds one.
pub(crate) fn schema_version(log: &str) -> Option<i64> {
    log.lines().rev().find_map(|line| {
        line.split(|c: char| !c.is_ascii_digit())
            .rev()
            .find(|part| !part.is_empty())?
            .parse()
            .ok()
    })
}
