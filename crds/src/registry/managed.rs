use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::Quantity;

use super::{Cache, Database, Expose, PodSettings, Storage};
use crate::common::rule;

/// A registry that the operator runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [
    rule::rule(
        "!has(self.storage.filesystem) || (has(self.storage.filesystem.accessMode) && self.storage.filesystem.accessMode == 'ReadWriteMany') || !has(self.serve) || !has(self.serve.replicas) || self.serve.replicas <= 1",
        "a ReadWriteOnce volume can be mounted by one serve replica only; set serve.replicas to 1, or use accessMode ReadWriteMany or storage.s3"
    ),
    rule::rule(
        "!has(self.storage.filesystem) || (has(self.storage.filesystem.accessMode) && self.storage.filesystem.accessMode == 'ReadWriteMany') || !has(self.serve) || !has(self.serve.autoscaling)",
        "a ReadWriteOnce volume can be mounted by one serve replica only; remove serve.autoscaling, or use accessMode ReadWriteMany or storage.s3"
    )
]))]
pub struct ManagedRegistry {
    /// The version to run, such as `1.2.0`. When absent, the version that was current when the Registry was created
    /// is kept, and `status.updateAvailable` names a newer one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 5, max = 64), extend("x-slipway-rules" = [rule::version()]))]
    pub version: Option<String>,
    /// Whether newer versions are taken without being asked for. `Manual` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_policy: Option<UpdatePolicy>,
    /// The image of the registry. The operator's own choice when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The pods that answer clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serve: Option<Serve>,
    /// The pods that run jobs: replication, garbage collection, retention, webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<Worker>,
    /// Where the content of images is kept.
    pub storage: Storage,
    /// The PostgreSQL database.
    pub database: Database,
    /// Redis. One that the operator runs when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// How the registry is reached from outside.
    pub expose: Expose,
    /// Who may reach the pods. On when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_policy: Option<NetworkPolicySettings>,
    /// How many pods may be away during maintenance of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budget: Option<DisruptionBudget>,
    /// Labels on everything that the operator makes for this Registry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32, "x-slipway-rules" = [rule::rule(
        "self.all(key, !key.contains('slipway.dev/') && !key.startsWith('app.kubernetes.io/'))",
        "labels of slipway.dev and app.kubernetes.io belong to the operator; use a prefix of your own"
    )]))]
    pub common_labels: BTreeMap<String, String>,
}

/// Whether newer versions are taken without being asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UpdatePolicy {
    /// Only a change of `version` updates the registry.
    #[default]
    Manual,
    /// The operator updates to its own current version, one Registry at a time.
    Auto,
}

/// An image and how it is pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The repository without tag, such as `ghcr.io/slipway/registry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), extend("x-slipway-rules" = [rule::image_repository()]))]
    pub repository: Option<String>,
    /// The digest. When present the image is taken by it and not by its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 71, max = 71), extend("x-slipway-rules" = [rule::digest()]))]
    pub digest: Option<String>,
    /// When the node pulls the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_policy: Option<PullPolicy>,
    /// Secrets of this namespace with which the image is pulled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set", "x-slipway-item-rules" = [rule::object_name()]))]
    pub pull_secrets: Vec<String>,
}

/// When a node pulls an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    /// Each time a container starts.
    Always,
    /// When the node does not have it.
    IfNotPresent,
    /// Never: the node has it already.
    Never,
}

impl PullPolicy {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// The pods that answer clients.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [rule::rule(
    "!(has(self.replicas) && has(self.autoscaling))",
    "replicas and autoscaling exclude each other; remove one of them"
)]))]
pub struct Serve {
    /// How many. Absent, and without autoscaling, the number is left alone after creation, where it is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: Option<i32>,
    /// Lets a HorizontalPodAutoscaler choose how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// CPU and memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Further settings of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodSettings>,
}

/// Bounds of a HorizontalPodAutoscaler.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [rule::rule("self.min <= self.max", "min must not be above max")]))]
pub struct Autoscaling {
    /// At least so many pods.
    #[schemars(range(min = 1, max = 100))]
    pub min: i32,
    /// At most so many pods.
    #[schemars(range(min = 1, max = 100))]
    pub max: i32,
    /// The share of the requested CPU to aim at, in percent. 70 when absent.
    #[serde(rename = "targetCPU", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub target_cpu: Option<i32>,
}

/// The pods that run jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// How many. Absent, the number is left alone after creation, where it is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: Option<i32>,
    /// How many jobs one pod runs at a time. The registry's own choice when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: Option<i32>,
    /// CPU and memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Further settings of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodSettings>,
}

/// CPU and memory of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What is set aside for the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<ResourceAmounts>,
    /// What the container may use at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<ResourceAmounts>,
}

/// Amounts of CPU, memory and local disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceAmounts {
    /// CPU, such as `500m` or `2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity>,
    /// Memory, such as `512Mi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
    /// Disk of the node, such as `1Gi`.
    #[serde(rename = "ephemeral-storage", skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<Quantity>,
}

impl Resources {
    /// The same in Kubernetes' own type.
    pub fn to_requirements(&self) -> k8s_openapi::api::core::v1::ResourceRequirements {
        let map = |amounts: &Option<ResourceAmounts>| amounts.as_ref().map(ResourceAmounts::to_map);
        k8s_openapi::api::core::v1::ResourceRequirements {
            claims: None,
            limits: map(&self.limits),
            requests: map(&self.requests),
        }
    }
}

impl ResourceAmounts {
    fn to_map(&self) -> BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity> {
        [
            ("cpu", &self.cpu),
            ("memory", &self.memory),
            ("ephemeral-storage", &self.ephemeral_storage),
        ]
        .into_iter()
        .filter_map(|(name, amount)| {
            let amount = amount.as_ref()?.as_str().to_owned();
            Some((
                name.to_owned(),
                k8s_openapi::apimachinery::pkg::api::resource::Quantity(amount),
            ))
        })
        .collect()
    }
}

/// Who may reach the pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySettings {
    /// Whether NetworkPolicies are made. True when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Who may reach the registry's port. Everybody when absent; the ingress controller's namespace must be among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub ingress_from: Vec<NetworkPeer>,
}

impl NetworkPolicySettings {
    /// Whether NetworkPolicies are made.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

/// A source of connections. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["namespaceLabels", "cidr"]))]
pub struct NetworkPeer {
    /// All pods of namespaces that carry these labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 16))]
    pub namespace_labels: Option<BTreeMap<String, String>>,
    /// Addresses, such as `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("x-slipway-rules" = [rule::rule("isCIDR(self)", "write a range of addresses such as 10.0.0.0/8")]))]
    pub cidr: Option<String>,
}

crate::common::union! {
    /// A source of connections.
    NetworkPeer, "ingressFrom": kind() -> NetworkPeerKind {
        /// Pods of namespaces.
        namespace_labels / "namespaceLabels" => NamespaceLabels(BTreeMap<String, String>),
        /// Addresses.
        cidr / "cidr" => Cidr(String),
    }
}

/// How many pods may be away during maintenance of nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisruptionBudget {
    /// Whether a PodDisruptionBudget is made when there are several replicas. True when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many pods may be away. 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub max_unavailable: Option<i32>,
}
