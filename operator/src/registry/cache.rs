//! Redis: one server without a volume. Losing what it holds costs nothing but speed.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy},
        core::v1::{ContainerPort, PodSpec, Service, ServicePort, ServiceSpec},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use slipway_crds::{
    Quantity,
    condition::{self, reason},
    registry::{CacheKind, ManagedCache, ManagedRegistry},
};

use super::{
    images::Images,
    names::{Component, Names},
    pod,
};
use crate::error::{Problem, Result};

/// The part in names.
pub(crate) const PART: &str = "cache";
/// The annotation of the pod by which a changed password rolls it.
pub(crate) const PASSWORD_HASH: &str = "slipway.dev/cache-password";

const PORT: i32 = 6379;
const MEMORY: &str = "256Mi";

/// The kind of cache; one that the operator runs when nothing is said.
pub(crate) fn kind(managed: &ManagedRegistry) -> Result<CacheKind<'_>> {
    static DEFAULT: ManagedCache = ManagedCache {
        resources: None,
        pod: None,
    };
    let Some(cache) = &managed.cache else {
        return Ok(CacheKind::Managed(&DEFAULT));
    };
    // A choice that has no member or several: only objects that the API server never saw.
    let invalid = |choice: slipway_crds::InvalidChoice| {
        Problem::user(condition::CACHE_READY, reason::INVALID_SPEC, choice.to_string()).into()
    };
    cache.kind().map_err(invalid)
}

/// The name under which the registry reaches it.
pub(crate) fn service(names: &Names) -> Service {
    Service {
        metadata: names.owned(PART, Component::Cache),
        spec: Some(ServiceSpec {
            selector: Some(names.selector_labels(Component::Cache)),
            ports: Some(vec![ServicePort {
                name: Some("redis".to_owned()),
                port: PORT,
                target_port: Some(IntOrString::String("redis".to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// The server.
pub(crate) fn deployment(
    names: &Names,
    cache: &ManagedCache,
    images: &Images,
    secret: &str,
    password_hash: &str,
) -> Deployment {
    let mut container = pod::container("redis", &images.redis, &images.pull_policy);
    container.command = Some(pod::shell(include_str!("cache.sh")));
    container.env = Some(vec![pod::variable("MAXMEMORY", max_memory(cache).to_string())]);
    container.ports = Some(vec![ContainerPort {
        container_port: PORT,
        name: Some("redis".to_owned()),
        ..ContainerPort::default()
    }]);
    container.resources = Some(pod::resources(cache.resources.as_ref(), "20m", "64Mi", MEMORY));
    container.readiness_probe = Some(pod::tcp_probe("redis", 5, 3));
    container.liveness_probe = Some(pod::tcp_probe("redis", 20, 6));
    container.volume_mounts = Some(vec![
        pod::mount("data", "/data"),
        pod::mount_read_only("password", "/etc/slipway/cache"),
    ]);
    let spec = PodSpec {
        containers: vec![container],
        termination_grace_period_seconds: Some(10),
        volumes: Some(vec![
            pod::scratch_volume("data"),
            pod::secret_volume("password", secret, &[("password", "password")]),
        ]),
        ..PodSpec::default()
    };
    let mut template = pod::template(names, Component::Cache, pod::SERVER_UID, spec);
    pod::place(&mut template, cache.pod.as_ref());
    pod::annotate(&mut template, PASSWORD_HASH, password_hash);
    Deployment {
        metadata: names.owned(PART, Component::Cache),
        spec: Some(DeploymentSpec {
            replicas: Some(1),
            selector: names.selector(Component::Cache),
            // Two servers behind one Service would each know half of the sessions.
            strategy: Some(DeploymentStrategy {
                type_: Some("Recreate".to_owned()),
                rolling_update: None,
            }),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// Three quarters of the memory limit: Redis needs room beside its data.
fn max_memory(cache: &ManagedCache) -> u64 {
    let limit = cache
        .resources
        .as_ref()
        .and_then(|r| r.limits.as_ref())
        .and_then(|l| l.memory.clone());
    let bytes = limit
        .unwrap_or_else(|| Quantity::new(MEMORY))
        .bytes()
        .unwrap_or(256 << 20);
    bytes / 4 * 3
}
