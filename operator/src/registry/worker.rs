//! The pods that run jobs, where they do not share the one pod with `serve`.

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentSpec},
    core::v1::{Container, VolumeMount},
};

use super::{
    names::Component,
    pod,
    serve::{self, Ingredients},
    settings,
};
use crate::error::Result;

/// The part in names.
pub(crate) const PART: &str = "worker";

/// The container that runs jobs.
pub(crate) fn container(with: &Ingredients<'_>, mounts: Vec<VolumeMount>) -> Container {
    let worker = with.managed.worker.as_ref();
    let mut container = with.container("worker", settings::WORKER_METRICS_PORT, mounts);
    container.resources = Some(pod::resources(
        worker.and_then(|worker| worker.resources.as_ref()),
        "50m",
        "96Mi",
        "1Gi",
    ));
    container.startup_probe = Some(pod::http_probe("/healthz", "worker-metrics", 2, 60));
    container.liveness_probe = Some(pod::http_probe("/healthz", "worker-metrics", 20, 6));
    container
}

/// The pods that run jobs; none when one pod does everything.
pub(crate) fn deployment(with: &Ingredients<'_>) -> Result<Option<Deployment>> {
    if with.is_single() {
        return Ok(None);
    }
    let worker = with.managed.worker.as_ref();
    let (volumes, mounts) = with.volumes()?;
    let spec = with.pod(vec![container(with, mounts)], volumes);
    let mut template = pod::template(with.names, Component::Worker, pod::REGISTRY_UID, spec);
    pod::settle(&mut template, worker.and_then(|worker| worker.pod.as_ref()));
    pod::annotate(&mut template, serve::SETTINGS_HASH, with.settings_hash);
    Ok(Some(Deployment {
        metadata: with.names.owned(PART, Component::Worker),
        spec: Some(DeploymentSpec {
            replicas: worker.and_then(|worker| worker.replicas),
            selector: with.names.selector(Component::Worker),
            strategy: Some(serve::strategy(false)),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }))
}
