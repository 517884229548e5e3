//! The migration: a Job named by the image, run to its end before any pod of that image starts. A failed one leaves the
//! old version serving.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use serde_json::json;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::JobCondition;

use super::{
    names::Component,
    pod,
    serve::{Ingredients, SETTINGS_HASH},
    settings,
};
use crate::{apply::hash_of, error::Result};

/// The start of the part in names.
pub(crate) const PART: &str = "migrate";

/// How long a failed migration rests before it is tried again although nothing changed: what was in its way, such as a
/// database that was away, may be gone.
const REST: SignedDuration = SignedDuration::from_mins(10);

/// The part in names: one Job for each image and version.
pub(crate) fn part(with: &Ingredients<'_>) -> String {
    let target = hash_of(&json!([with.images.registry, with.images.version]));
    format!("{PART}-{}", &target[..10])
}

/// The Job. It is created once and never changed; the annotation tells which settings it ran with.
pub(crate) fn job(with: &Ingredients<'_>) -> Result<Job> {
    let (volumes, mounts) = settings::volumes(with.names, with.managed, with.secrets)?;
    let mut container = with.container("migrate", settings::METRICS_PORT, mounts);
    container.ports = None;
    container.resources = Some(pod::resources(None, "50m", "64Mi", "512Mi"));
    let mut spec = with.pod(vec![container], volumes);
    spec.restart_policy = Some("Never".to_owned());
    spec.termination_grace_period_seconds = Some(30);
    let template = pod::template(with.names, Component::Migrate, pod::REGISTRY_UID, spec);
    let mut metadata = with.names.owned(&part(with), Component::Migrate);
    metadata
        .annotations
        .get_or_insert_default()
        .insert(SETTINGS_HASH.to_owned(), with.settings_hash.to_owned());
    Ok(Job {
        metadata,
        spec: Some(JobSpec {
            backoff_limit: Some(4),
            template,
            ..JobSpec::default()
        }),
        status: None,
    })
}

/// Whether a failed migration is worth another try: its settings or credentials changed, or it rested long enough.
pub(crate) fn is_worth_another_try(failed: &Job, wanted: &Job, now: Timestamp) -> bool {
    let settings = |job: &Job| {
        job.metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(SETTINGS_HASH).cloned())
    };
    if settings(failed) != settings(wanted) {
        return true;
    }
    let conditions = failed
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref());
    let ended = |condition: &JobCondition| {
        (condition.type_ == "Failed" && condition.status == "True")
            .then(|| condition.last_transition_time.as_ref().map(|time| time.0))
            .flatten()
    };
    conditions
        .unwrap_or_default()
        .iter()
        .find_map(ended)
        .is_some_and(|since| now.duration_since(since) > REST)
}
