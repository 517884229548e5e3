//! What is kept of a scenario that failed: objects, events and logs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, ListParams, LogParams};
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Client, ResourceExt as _};

use crate::paths;

/// Saves everything in `namespace` below `target/e2e-failures/` and says where.
pub(super) async fn save(client: &Client, namespace: &str) -> Result<PathBuf> {
    let folder = paths::target().join("e2e-failures").join(namespace);
    fs::create_dir_all(&folder)?;
    save_objects(client, namespace, &folder).await?;
    save_logs(client, namespace, &folder).await?;
    Ok(folder)
}

/// One file a kind, whatever kinds there are: custom ones too.
async fn save_objects(client: &Client, namespace: &str, folder: &Path) -> Result<()> {
    let discovery = Discovery::new(client.clone()).run().await?;
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            if capabilities.scope != Scope::Namespaced
                || !capabilities.supports_operation(verbs::LIST)
                || resource.kind == "Secret"
            {
                continue;
            }
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
            let Ok(list) = api.list(&ListParams::default()).await else {
                continue;
            };
            if !list.items.is_empty() {
                let file = folder.join(format!("{}.yaml", resource.plural));
                fs::write(file, serde_yaml::to_string(&list.items)?)?;
            }
        }
    }
    Ok(())
}

async fn save_logs(client: &Client, namespace: &str, folder: &Path) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for pod in pods.list(&ListParams::default()).await? {
        let name = pod.name_any();
        let spec = pod.spec.unwrap_or_default();
        let all = spec
            .init_containers
            .unwrap_or_default()
            .into_iter()
            .chain(spec.containers);
        for container in all {
            for previous in [false, true] {
                let wanted = LogParams {
                    container: Some(container.name.clone()),
                    previous,
                    ..LogParams::default()
                };
                if let Ok(log) = pods.logs(&name, &wanted).await {
                    let suffix = if previous { ".previous" } else { "" };
                    fs::write(folder.join(format!("{name}.{}{suffix}.log", container.name)), log)?;
                }
            }
        }
    }
    Ok(())
}
