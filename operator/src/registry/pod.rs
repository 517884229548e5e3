//! What all pods have in common: they meet the `restricted` Pod Security Standard and write nowhere but to volumes
//! (LESSONS E5).

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Affinity, Capabilities, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, ExecAction,
        HTTPGetAction, KeyToPath, LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
        ResourceRequirements, SeccompProfile, SecretKeySelector, SecretVolumeSource, SecurityContext,
        TCPSocketAction, Toleration, TopologySpreadConstraint, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};
use slipway_crds::registry::{EnvSource, Placement, PodSettings, Resources, VolumeSource};

use super::names::{Component, Names};

/// The user under which the registry's own image runs.
pub(crate) const REGISTRY_UID: i64 = 65532;
/// The user of PostgreSQL and Redis in their usual images.
pub(crate) const SERVER_UID: i64 = 999;

/// A pod template with the labels of its part and the restricted security context.
pub(crate) fn template(names: &Names, component: Component, uid: i64, spec: PodSpec) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(names.labels(component)),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: names.user(uid),
                run_as_group: names.user(uid),
                fs_group: names.user(uid),
                // Walking through all files of a large volume at each start would take minutes.
                fs_group_change_policy: Some("OnRootMismatch".to_owned()),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".to_owned(),
                    localhost_profile: None,
                }),
                ..PodSecurityContext::default()
            }),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            ..spec
        }),
    }
}

/// A container's restricted security context.
pub(crate) fn restricted() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        ..SecurityContext::default()
    }
}

/// The resources that were asked for, or these requests and this memory limit.
pub(crate) fn resources(
    asked: Option<&Resources>,
    cpu: &str,
    memory: &str,
    limit: &str,
) -> ResourceRequirements {
    asked
        .map(Resources::to_requirements)
        .unwrap_or_else(|| ResourceRequirements {
            requests: Some(BTreeMap::from([
                ("cpu".to_owned(), Quantity(cpu.to_owned())),
                ("memory".to_owned(), Quantity(memory.to_owned())),
            ])),
            limits: Some(BTreeMap::from([(
                "memory".to_owned(),
                Quantity(limit.to_owned()),
            )])),
            claims: None,
        })
}

/// Adds where the single pod of a part runs.
pub(crate) fn place(template: &mut PodTemplateSpec, placement: Option<&Placement>) {
    let (Some(placement), Some(pod)) = (placement, template.spec.as_mut()) else {
        return;
    };
    pod.node_selector = (!placement.node_selector.is_empty()).then(|| placement.node_selector.clone());
    pod.tolerations = list::<Toleration>(&placement.tolerations);
    pod.priority_class_name.clone_from(&placement.priority_class_name);
}

/// Adds what the specification says about a part's pods.
pub(crate) fn settle(template: &mut PodTemplateSpec, settings: Option<&PodSettings>) {
    let Some(settings) = settings else { return };
    let metadata = template.metadata.get_or_insert_default();
    let labels = metadata.labels.get_or_insert_default();
    for (key, value) in &settings.labels {
        labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    if !settings.annotations.is_empty() {
        metadata
            .annotations
            .get_or_insert_default()
            .extend(settings.annotations.clone());
    }
    let Some(pod) = template.spec.as_mut() else { return };
    pod.node_selector = (!settings.node_selector.is_empty()).then(|| settings.node_selector.clone());
    pod.tolerations = list::<Toleration>(&settings.tolerations);
    pod.affinity.clone_from(&settings.affinity as &Option<Affinity>);
    pod.topology_spread_constraints = list::<TopologySpreadConstraint>(&settings.topology_spread);
    pod.priority_class_name.clone_from(&settings.priority_class_name);
    let (volumes, mounts): (Vec<Volume>, Vec<VolumeMount>) = settings
        .volumes
        .iter()
        .filter_map(|volume| {
            let source = match volume.source().ok()? {
                VolumeSource::ConfigMap(name) => config_map_volume(&volume.name, name),
                VolumeSource::Secret(name) => secret_volume(&volume.name, name, &[]),
                VolumeSource::Csi(csi) => csi_volume(&volume.name, csi),
            };
            Some((source, mount_read_only(&volume.name, &volume.mount_path)))
        })
        .unzip();
    pod.volumes.get_or_insert_default().extend(volumes);
    for container in &mut pod.containers {
        let env = settings.env.iter().filter_map(environment);
        container.env.get_or_insert_default().extend(env);
        container
            .volume_mounts
            .get_or_insert_default()
            .extend(mounts.clone());
    }
}

fn list<T: Clone>(items: &[T]) -> Option<Vec<T>> {
    (!items.is_empty()).then(|| items.to_vec())
}

fn csi_volume(name: &str, csi: &slipway_crds::registry::CsiVolume) -> Volume {
    use k8s_openapi::api::core::v1::CSIVolumeSource;
    let source = CSIVolumeSource {
        driver: csi.driver.clone(),
        read_only: Some(true),
        volume_attributes: (!csi.volume_attributes.is_empty()).then(|| csi.volume_attributes.clone()),
        ..CSIVolumeSource::default()
    };
    Volume {
        name: name.to_owned(),
        csi: Some(source),
        ..Volume::default()
    }
}

fn environment(variable: &slipway_crds::registry::EnvVar) -> Option<EnvVar> {
    use k8s_openapi::api::core::v1::ConfigMapKeySelector;
    let name = variable.name.clone();
    Some(match variable.source().ok()? {
        EnvSource::Value(value) => EnvVar {
            name,
            value: Some(value.clone()),
            value_from: None,
        },
        EnvSource::Secret(reference) => {
            let key = reference.key_or(&name).to_owned();
            let selector = SecretKeySelector {
                name: reference.name.clone(),
                key,
                optional: None,
            };
            let source = EnvVarSource {
                secret_key_ref: Some(selector),
                ..EnvVarSource::default()
            };
            EnvVar {
                name,
                value: None,
                value_from: Some(source),
            }
        }
        EnvSource::ConfigMap(reference) => {
            let key = reference.key.clone().unwrap_or_else(|| name.clone());
            let selector = ConfigMapKeySelector {
                name: reference.name.clone(),
                key,
                optional: None,
            };
            let source = EnvVarSource {
                config_map_key_ref: Some(selector),
                ..EnvVarSource::default()
            };
            EnvVar {
                name,
                value: None,
                value_from: Some(source),
            }
        }
    })
}

/// A plain environment variable.
pub(crate) fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.into()),
        value_from: None,
    }
}

/// A folder that goes with the pod.
pub(crate) fn scratch_volume(name: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }
}

/// Shared memory, counted against the pod's memory.
pub(crate) fn memory_volume(name: &str, limit: &str) -> Volume {
    let source = EmptyDirVolumeSource {
        medium: Some("Memory".to_owned()),
        size_limit: Some(Quantity(limit.to_owned())),
    };
    Volume {
        name: name.to_owned(),
        empty_dir: Some(source),
        ..Volume::default()
    }
}

/// A Secret as files; all keys when none is named, otherwise (key, file) pairs.
pub(crate) fn secret_volume(name: &str, secret: &str, items: &[(&str, &str)]) -> Volume {
    let items: Vec<KeyToPath> = items
        .iter()
        .map(|(key, path)| KeyToPath {
            key: (*key).to_owned(),
            path: (*path).to_owned(),
            mode: None,
        })
        .collect();
    let source = SecretVolumeSource {
        secret_name: Some(secret.to_owned()),
        items: list(&items),
        default_mode: Some(0o440),
        optional: None,
    };
    Volume {
        name: name.to_owned(),
        secret: Some(source),
        ..Volume::default()
    }
}

/// A ConfigMap as files.
pub(crate) fn config_map_volume(name: &str, config_map: &str) -> Volume {
    use k8s_openapi::api::core::v1::ConfigMapVolumeSource;
    let source = ConfigMapVolumeSource {
        name: config_map.to_owned(),
        ..ConfigMapVolumeSource::default()
    };
    Volume {
        name: name.to_owned(),
        config_map: Some(source),
        ..Volume::default()
    }
}

/// A PersistentVolumeClaim.
pub(crate) fn claim_volume(name: &str, claim: &str) -> Volume {
    use k8s_openapi::api::core::v1::PersistentVolumeClaimVolumeSource;
    let source = PersistentVolumeClaimVolumeSource {
        claim_name: claim.to_owned(),
        read_only: None,
    };
    Volume {
        name: name.to_owned(),
        persistent_volume_claim: Some(source),
        ..Volume::default()
    }
}

/// Where a volume is mounted.
pub(crate) fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    }
}

/// Where a volume is mounted that nobody writes to.
pub(crate) fn mount_read_only(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        read_only: Some(true),
        ..mount(volume, path)
    }
}

/// A probe by HTTP.
pub(crate) fn http_probe(path: &str, port: &str, period: i32, failures: i32) -> Probe {
    let action = HTTPGetAction {
        path: Some(path.to_owned()),
        port: IntOrString::String(port.to_owned()),
        ..HTTPGetAction::default()
    };
    Probe {
        http_get: Some(action),
        ..timing(period, failures)
    }
}

/// A probe by a connection.
pub(crate) fn tcp_probe(port: &str, period: i32, failures: i32) -> Probe {
    let action = TCPSocketAction {
        port: IntOrString::String(port.to_owned()),
        host: None,
    };
    Probe {
        tcp_socket: Some(action),
        ..timing(period, failures)
    }
}

/// A probe by a command.
pub(crate) fn exec_probe(script: &str, period: i32, failures: i32) -> Probe {
    Probe {
        exec: Some(ExecAction {
            command: Some(shell(script)),
        }),
        ..timing(period, failures)
    }
}

fn timing(period: i32, failures: i32) -> Probe {
    Probe {
        period_seconds: Some(period),
        timeout_seconds: Some(5),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

/// A script for the shell, which stops at the first failing command.
pub(crate) fn shell(script: &str) -> Vec<String> {
    vec!["sh".to_owned(), "-ec".to_owned(), script.to_owned()]
}

/// Secrets with which images are pulled.
pub(crate) fn pull_secrets(names: &[String]) -> Option<Vec<LocalObjectReference>> {
    list(
        &names
            .iter()
            .map(|name| LocalObjectReference { name: name.clone() })
            .collect::<Vec<_>>(),
    )
}

/// Sets an annotation of a pod template, so that a change of its value rolls the pods.
pub(crate) fn annotate(template: &mut PodTemplateSpec, key: &str, value: &str) {
    let metadata = template.metadata.get_or_insert_default();
    metadata
        .annotations
        .get_or_insert_default()
        .insert(key.to_owned(), value.to_owned());
}

/// A container with what all containers have.
pub(crate) fn container(name: &str, image: &str, pull_policy: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: Some(pull_policy.to_owned()),
        security_context: Some(restricted()),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}
