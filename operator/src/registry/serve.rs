//! The pods that answer clients, and in a Registry with a ReadWriteOnce volume also those that run jobs
//! (docs/adr/0003): both need the volume, and only one pod can be sure to have it.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Container, ContainerPort, EnvVar, EnvVarSource, PodSpec, SecretKeySelector, Service, ServicePort,
            ServiceSpec, Volume, VolumeMount,
        },
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use slipway_crds::registry::{AccessMode, DatabaseKind, ExposeKind, ManagedRegistry, StorageKind};

use super::{
    identity,
    images::Images,
    names::{Component, Names},
    pod, secrets, settings, worker,
};
use crate::error::Result;

/// The part in names.
pub(crate) const PART: &str = "serve";
/// The annotation of pods by which changed settings roll them.
pub(crate) const SETTINGS_HASH: &str = "slipway.dev/settings";

/// What all pods of the registry itself are made of.
pub(crate) struct Ingredients<'a> {
    /// Names and labels.
    pub(crate) names: &'a Names,
    /// The specification.
    pub(crate) managed: &'a ManagedRegistry,
    /// What runs.
    pub(crate) images: &'a Images,
    /// Where the Secrets are.
    pub(crate) secrets: &'a secrets::Found,
    /// Changes when the settings or a Secret that is read at the start do.
    pub(crate) settings_hash: &'a str,
}

impl Ingredients<'_> {
    /// Whether one pod does everything.
    pub(crate) fn is_single(&self) -> bool {
        single(self.managed)
    }

    /// Volumes of settings, Secrets and, when it is a file system, content.
    pub(crate) fn volumes(&self) -> Result<(Vec<Volume>, Vec<VolumeMount>)> {
        let (mut volumes, mut mounts) = settings::volumes(self.names, self.managed, self.secrets)?;
        if matches!(self.managed.storage.kind(), Ok(StorageKind::Filesystem(_))) {
            let (volume, mount) = settings::content_volume(self.names);
            volumes.push(volume);
            mounts.push(mount);
        }
        Ok((volumes, mounts))
    }

    /// A container of the registry's image.
    pub(crate) fn container(&self, command: &str, metrics_port: i32, mounts: Vec<VolumeMount>) -> Container {
        let mut container = pod::container(command, &self.images.registry, &self.images.pull_policy);
        container.args = Some(vec![command.to_owned()]);
        let mut env = vec![
            pod::variable("SLIPWAY_CONFIG", "/etc/slipway/settings/settings.yaml"),
            pod::variable("SLIPWAY_METRICS_LISTEN", format!("0.0.0.0:{metrics_port}")),
        ];
        env.extend(database_user(self.managed));
        container.env = Some(env);
        container.volume_mounts = Some(mounts);
        container.ports = Some(vec![ContainerPort {
            container_port: metrics_port,
            name: Some(format!("{command}-metrics")),
            ..ContainerPort::default()
        }]);
        container
    }

    /// A pod that ends only when its uploads and downloads have.
    pub(crate) fn pod(&self, containers: Vec<Container>, volumes: Vec<Volume>) -> PodSpec {
        let mut pod = PodSpec {
            containers,
            volumes: Some(volumes),
            image_pull_secrets: pod::pull_secrets(&self.images.pull_secrets),
            termination_grace_period_seconds: Some(settings::DRAIN + settings::DRAIN_DELAY + 10),
            ..PodSpec::default()
        };
        identity::assume(self.names, self.managed, &mut pod);
        pod
    }
}

/// Whether the content stands on a volume that only one pod can be sure to have.
pub(crate) fn single(managed: &ManagedRegistry) -> bool {
    matches!(managed.storage.kind(), Ok(StorageKind::Filesystem(fs)) if fs.access_mode() == AccessMode::ReadWriteOnce)
}

/// The account of an external database, out of its Secret.
fn database_user(managed: &ManagedRegistry) -> Option<EnvVar> {
    let Ok(DatabaseKind::External(external)) = managed.database.kind() else {
        return None;
    };
    let selector = SecretKeySelector {
        name: external.credentials_secret_ref.name.clone(),
        key: "username".to_owned(),
        optional: None,
    };
    Some(EnvVar {
        name: "SLIPWAY_DATABASE_USER".to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(selector),
            ..EnvVarSource::default()
        }),
    })
}

/// How many replicas are wanted; `None` leaves the number to whoever set it (LESSONS C8).
pub(crate) fn replicas(managed: &ManagedRegistry) -> Option<i32> {
    let declared = managed.serve.as_ref().and_then(|serve| serve.replicas);
    if single(managed) {
        Some(declared.unwrap_or(1).min(1))
    } else {
        declared
    }
}

/// The pods that answer clients.
pub(crate) fn deployment(with: &Ingredients<'_>) -> Result<Deployment> {
    let serve = with.managed.serve.as_ref();
    let (volumes, mounts) = with.volumes()?;
    let mut container = with.container("serve", settings::METRICS_PORT, mounts.clone());
    container.ports.get_or_insert_default().push(ContainerPort {
        container_port: settings::PORT,
        name: Some("http".to_owned()),
        ..ContainerPort::default()
    });
    container.resources = Some(pod::resources(
        serve.and_then(|serve| serve.resources.as_ref()),
        "100m",
        "128Mi",
        "1Gi",
    ));
    container.startup_probe = Some(pod::http_probe("/healthz", "serve-metrics", 2, 60));
    container.readiness_probe = Some(pod::http_probe("/readyz", "serve-metrics", 3, 3));
    container.liveness_probe = Some(pod::http_probe("/healthz", "serve-metrics", 20, 6));
    let mut containers = vec![container];
    if with.is_single() && with.managed.worker.as_ref().and_then(|worker| worker.replicas) != Some(0) {
        containers.push(worker::container(with, mounts));
    }
    let mut template = pod::template(
        with.names,
        Component::Serve,
        pod::REGISTRY_UID,
        with.pod(containers, volumes),
    );
    pod::settle(&mut template, serve.and_then(|serve| serve.pod.as_ref()));
    pod::annotate(&mut template, SETTINGS_HASH, with.settings_hash);
    Ok(Deployment {
        metadata: with.names.owned(PART, Component::Serve),
        spec: Some(DeploymentSpec {
            replicas: replicas(with.managed),
            selector: with.names.selector(Component::Serve),
            strategy: Some(strategy(with.is_single())),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    })
}

/// One pod after the other when there is a volume that only one can have; otherwise never fewer than wanted.
pub(crate) fn strategy(single: bool) -> DeploymentStrategy {
    if single {
        return DeploymentStrategy {
            type_: Some("Recreate".to_owned()),
            rolling_update: None,
        };
    }
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

/// The name under which the Ingress and the operator reach the registry.
pub(crate) fn service(names: &Names, managed: &ManagedRegistry) -> Service {
    let mut metadata = names.owned(PART, Component::Serve);
    let (type_, node_port, class) = match managed.expose.kind() {
        Ok(ExposeKind::LoadBalancer(balancer)) => {
            if !balancer.annotations.is_empty() {
                metadata.annotations = Some(balancer.annotations.clone());
            }
            ("LoadBalancer", None, balancer.class_name.clone())
        }
        Ok(ExposeKind::NodePort(node_port)) => ("NodePort", node_port.port, None),
        _ => ("ClusterIP", None, None),
    };
    Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some(type_.to_owned()),
            load_balancer_class: class,
            selector: Some(names.selector_labels(Component::Serve)),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: 80,
                node_port,
                target_port: Some(IntOrString::String("http".to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
