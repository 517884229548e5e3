use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, Toleration, TopologySpreadConstraint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::{SecretRef, rule, union};

/// Further settings of pods: a fixed list, without anything that would widen their rights.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodSettings {
    /// Labels of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "x-slipway-rules" = [rule::rule(
        "self.all(key, !key.contains('slipway.dev/') && !key.startsWith('app.kubernetes.io/'))",
        "labels of slipway.dev and app.kubernetes.io belong to the operator; use a prefix of your own"
    )]))]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that are tolerated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub tolerations: Vec<Toleration>,
    /// Which nodes are preferred or demanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// How the pods are spread over nodes and zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub topology_spread: Vec<TopologySpreadConstraint>,
    /// The priority class of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub priority_class_name: Option<String>,
    /// Further environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub env: Vec<EnvVar>,
    /// Further volumes: of a ConfigMap, a Secret or a CSI driver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub volumes: Vec<PodVolume>,
}

/// Where a single pod runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Labels that a node must carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that are tolerated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub tolerations: Vec<Toleration>,
    /// The priority class of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub priority_class_name: Option<String>,
}

/// An environment variable. Set exactly one of `value`, `secretRef` and `configMapRef`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["value", "secretRef", "configMapRef"]))]
pub struct EnvVar {
    /// The name of the variable.
    #[schemars(length(min = 1, max = 128), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",
        "write the name of an environment variable: letters, digits and '_', such as HTTPS_PROXY"
    ), rule::rule(
        "!self.startsWith('SLIPWAY_')",
        "variables that begin with SLIPWAY_ are the operator's: use the fields of the specification"
    )]))]
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,
    /// A key of a Secret; the variable's name when the key is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
    /// A key of a ConfigMap; the variable's name when the key is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<ConfigMapRef>,
}

union! {
    /// Where the value of an environment variable comes from.
    EnvVar, "env": source() -> EnvSource {
        /// The specification.
        value / "value" => Value(String),
        /// A Secret.
        secret_ref / "secretRef" => Secret(SecretRef),
        /// A ConfigMap.
        config_map_ref / "configMapRef" => ConfigMap(ConfigMapRef),
    }
}

/// A ConfigMap in the namespace of the object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapRef {
    /// The name of the ConfigMap.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub name: String,
    /// The key in the ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::data_key()]))]
    pub key: Option<String>,
}

/// The volumes that pods of the registry have anyway.
const OWN_VOLUMES: &[&str] = &[
    "admin",
    "cache",
    "cache-ca",
    "content",
    "database",
    "database-ca",
    "settings",
    "storage",
    "storage-ca",
    "system",
    "tmp",
    "token",
];

/// A further volume. Set exactly one of `configMap`, `secret` and `csi`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["configMap", "secret", "csi"]))]
pub struct PodVolume {
    /// The name of the volume.
    #[schemars(length(min = 1, max = 63), extend("x-slipway-rules" = [rule::label_name(), rule::rule(
        format!("!(self in {OWN_VOLUMES:?})"),
        format!("the pods have volumes of their own of that name: write another than {}", OWN_VOLUMES.join(", "))
    )]))]
    pub name: String,
    /// Where it is mounted, read-only.
    #[schemars(length(min = 2, max = 256), extend("x-slipway-rules" = [rule::rule(
        "self.startsWith('/') && !self.contains('..') && !self.contains(':')",
        "write an absolute path such as /etc/extra"
    ), rule::rule(
        "!['/data', '/etc/slipway', '/tmp'].exists(own, self == own || self.startsWith(own + '/'))",
        "/data, /etc/slipway and /tmp are the registry's own: write another path such as /etc/extra"
    )]))]
    pub mount_path: String,
    /// The name of a ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub config_map: Option<String>,
    /// The name of a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub secret: Option<String>,
    /// A volume of a CSI driver, such as secrets-store.csi.k8s.io.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csi: Option<CsiVolume>,
}

union! {
    /// What a further volume holds.
    PodVolume, "volumes": source() -> VolumeSource {
        /// A ConfigMap.
        config_map / "configMap" => ConfigMap(String),
        /// A Secret.
        secret / "secret" => Secret(String),
        /// What a CSI driver gives.
        csi / "csi" => Csi(CsiVolume),
    }
}

/// A volume of a CSI driver, always read-only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CsiVolume {
    /// The name of the driver.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub driver: String,
    /// What the driver wants to know.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub volume_attributes: BTreeMap<String, String>,
}
