//! Nodes that only pretend: pods become ready, Jobs' pods end, claims get a volume. The controllers of Kubernetes do the
//! rest, so that objects settle as they do in a cluster.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Components whose pods fail, with what they say last.
    failing: Arc<Mutex<Vec<(String, String)>>>,
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
        let failing: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let told = failing.clone();
        let work = tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            loop {
                let failing = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // An answer that fails is asked for again in the next round.
                let _next_round = run_pods(&client, &failing, &mut seen).await;
                let _next_round = bind_claims(&client).await;
                tokio::time::sleep(LOOK).await;
            }
        });
        Self { failing, work }
    }

    /// Pods of a component end with these last words from now on.
    pub(crate) fn fail(&self, component: &str, words: &str) {
        self.lock().push((component.to_owned(), words.to_owned()));
    }

    /// They do no more.
    pub(crate) fn heal(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run_pods(client: &Client, failing: &[(String, String)], seen: &mut BTreeSet<String>) -> Result<()> {
    let pods = Api::<Pod>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    for pod in pods.items {
        let uid = pod.uid().unwrap_or_default();
        if pod.metadata.deletion_timestamp.is_some() || seen.contains(&uid) {
            continue;
        }
        let component = pod
            .labels()
            .get("slipway.dev/component")
            .cloned()
            .unwrap_or_default();
        let words = failing.iter().find(|(known, _)| *known == component);
        let status = status_of(&pod, words.map(|(_, words)| words.as_str()));
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

/// A running pod, or one of a Job that has ended; `words` are the last ones of a pod that fails.
fn status_of(pod: &Pod, words: Option<&str>) -> Value {
    let is_job = pod.labels().contains_key("job-name");
    let state = match (is_job, words) {
        (_, Some(words)) => json!({"terminated": {"exitCode": 1, "reason": "Error", "message": words}}),
        (true, None) => json!({"terminated": {"exitCode": 0, "reason": "Completed"}}),
        (false, None) => json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}),
    };
    let ready = !is_job && words.is_none();
    let phase = match (is_job, words.is_some()) {
        (true, true) => "Failed",
        (true, false) => "Succeeded",
        (false, _) => "Running",
    };
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
