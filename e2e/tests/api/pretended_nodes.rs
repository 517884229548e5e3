//! Nodes that only pretend: pods become ready, Jobs' pods end, claims get a volume. The controllers of Kubernetes do the
//! rest, so that objects settle as they do in a cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// How often they look.
const LOOK: Duration = Duration::from_millis(250);

/// Nodes for one API server, until dropped.
pub(crate) struct PretendedNodes {
    work: JoinHandle<()>,
}

impl Drop for PretendedNodes {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl PretendedNodes {
    /// From now on.
    pub(crate) fn join(client: Client) -> Self {
        let work = tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            loop {
                // An answer that fails is asked for again in the next round.
                let _next_round = run_pods(&client, &mut seen).await;
                let _next_round = bind_claims(&client).await;
                tokio::time::sleep(LOOK).await;
            }
        });
        Self { work }
    }
}

async fn run_pods(client: &Client, seen: &mut BTreeSet<String>) -> Result<()> {
    let pods = Api::<Pod>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    for pod in pods.items {
        let uid = pod.uid().unwrap_or_default();
        if pod.metadata.deletion_timestamp.is_some() || seen.contains(&uid) {
            continue;
        }
        let status = status_of(&pod);
        let api: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
        api.patch_status(
            &pod.name_any(),
            &PatchParams::default(),
            &Patch::Merge(&json!({"status": status})),
        )
        .await?;
        seen.insert(uid);
    }
    Ok(())
}

/// A running pod, or one of a Job that has ended well.
fn status_of(pod: &Pod) -> Value {
    let is_job = pod.labels().contains_key("job-name");
    let (phase, state) = if is_job {
        (
            "Succeeded",
            json!({"terminated": {"exitCode": 0, "reason": "Completed"}}),
        )
    } else {
        (
            "Running",
            json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}),
        )
    };
    let ready = !is_job;
    let containers: Vec<Value> = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .map(|container| {
            json!({"name": container.name, "image": container.image, "imageID": "", "ready": ready, "started": ready,
                "restartCount": 0, "state": state})
        })
        .collect();
    let condition = |name: &str, holds: bool| {
        json!({"type": name, "status": if holds { "True" } else { "False" },
            "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    json!({
        "phase": phase,
        "conditions": [condition("PodScheduled", true), condition("Initialized", true),
            condition("ContainersReady", ready), condition("Ready", ready)],
        "containerStatuses": containers,
        "startTime": "2026-01-01T00:00:00Z",
    })
}

/// A volume for each claim that has none.
async fn bind_claims(client: &Client) -> Result<()> {
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    let claims = Api::<PersistentVolumeClaim>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    for claim in claims.items {
        let spec = claim.spec.clone().unwrap_or_default();
        let bound = claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound");
        if bound || claim.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let volume = serde_json::from_value(json!({
            "metadata": {"name": format!("pv-{}", claim.uid().unwrap_or_default())},
            "spec": {
                "capacity": spec.resources.and_then(|resources| resources.requests),
                "accessModes": spec.access_modes,
                "storageClassName": spec.storage_class_name.unwrap_or_default(),
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": "/nowhere"},
                "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(),
                    "name": claim.name_any(), "uid": claim.uid()},
            },
        }))?;
        match volumes.create(&PostParams::default(), &volume).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            answer => drop(answer?),
        }
    }
    Ok(())
}
