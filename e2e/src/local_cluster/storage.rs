//! The storage provisioner: a folder and a `local` PersistentVolume for every
//! claim of the class `slipway-local`.
//!
//! A `local` volume honours `fsGroup`, so pods that are not root can write;
//! the controller manager's host-path provisioner does not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use super::layout::{Layout, NODES};

/// The class's name; it is the default one.
pub const CLASS: &str = "slipway-local";
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const FOLDER: &str = "slipway-volumes";

/// Makes the class.
pub async fn install(client: &Client) -> Result<()> {
    let class: StorageClass = serde_json::from_value(json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "slipway.dev/local",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
    }))?;
    Api::<StorageClass>::all(client.clone())
        .patch(
            CLASS,
            &PatchParams::apply("slipway-e2e").force(),
            &Patch::Apply(&class),
        )
        .await?;
    Ok(())
}

/// Serves claims until the process ends.
pub async fn run(client: Client, layout: Layout) {
    loop {
        if let Err(error) = pass(&client, &layout).await {
            tracing::debug!("storage: {error:#}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn pass(client: &Client, layout: &Layout) -> Result<()> {
    let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    for claim in claims.list(&ListParams::default()).await? {
        let ours = claim
            .spec
            .as_ref()
            .and_then(|spec| spec.storage_class_name.as_deref())
            == Some(CLASS);
        let pending = claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Pending");
        let Some(node) = claim.annotations().get(SELECTED_NODE).cloned() else {
            continue;
        };
        if ours && pending && claim.metadata.deletion_timestamp.is_none() {
            provision(&volumes, layout, &claim, &node).await?;
        }
    }
    for volume in volumes.list(&ListParams::default()).await? {
        let released = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Released");
        let ours = volume
            .spec
            .as_ref()
            .and_then(|spec| spec.storage_class_name.as_deref())
            == Some(CLASS);
        let delete = volume
            .spec
            .as_ref()
            .and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref())
            == Some("Delete");
        if released && ours && delete {
            let name = volume.name_any();
            volumes.delete(&name, &DeleteParams::default()).await?;
            for node in NODES {
                let folder = layout.machine(node.name).join("lib").join(FOLDER).join(&name);
                match fs::remove_dir_all(folder) {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error).context("removing a volume"),
                }
            }
        }
    }
    Ok(())
}

async fn provision(
    volumes: &Api<PersistentVolume>,
    layout: &Layout,
    claim: &PersistentVolumeClaim,
    node: &str,
) -> Result<()> {
    let uid = claim.uid().context("a claim without uid")?;
    let name = format!("pvc-{uid}");
    let folder = layout.machine(node).join("lib").join(FOLDER).join(&name);
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
    let spec = claim.spec.clone().unwrap_or_default();
    let capacity = spec
        .resources
        .and_then(|resources| resources.requests)
        .unwrap_or_default();
    let volume: PersistentVolume = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": CLASS,
            "capacity": capacity,
            "accessModes": spec.access_modes,
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": claim.namespace(), "name": claim.name_any(), "uid": uid,
            },
            "local": {"path": format!("/var/lib/{FOLDER}/{name}")},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]},
            ]}]}},
        },
    }))?;
    match volumes.create(&PostParams::default(), &volume).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error).context("creating a volume"),
    }
}
