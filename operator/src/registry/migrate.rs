//! The migration: a Job named by the image, run to its end before any pod of that image starts. A failed one leaves the
//! old version serving.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use serde_json::json;

use super::{names::Component, pod, serve::Ingredients, settings};
use crate::{apply::hash_of, error::Result};

/// The start of the part in names.
pub(crate) const PART: &str = "migrate";

/// The part in names: one Job for each image and version.
pub(crate) fn part(with: &Ingredients<'_>) -> String {
    let target = hash_of(&json!([with.images.registry, with.images.version]));
    format!("{PART}-{}", &target[..10])
}

/// The Job. It is created once and never changed.
pub(crate) fn job(with: &Ingredients<'_>) -> Result<Job> {
    let (volumes, mounts) = settings::volumes(with.names, with.managed, with.secrets)?;
    let mut container = with.container("migrate", settings::METRICS_PORT, mounts);
    container.ports = None;
    container.resources = Some(pod::resources(None, "50m", "64Mi", "512Mi"));
    let mut spec = with.pod(vec![container], volumes);
    spec.restart_policy = Some("Never".to_owned());
    spec.termination_grace_period_seconds = Some(30);
    let template = pod::template(with.names, Component::Migrate, pod::REGISTRY_UID, spec);
    Ok(Job {
        metadata: with.names.owned(&part(with), Component::Migrate),
        spec: Some(JobSpec {
            backoff_limit: Some(4),
            template,
            ..JobSpec::default()
        }),
        status: None,
    })
}
