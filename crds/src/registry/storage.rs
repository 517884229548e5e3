use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::Quantity;

use crate::common::{SecretRef, rule, union};

/// Where the content of images is kept. Set exactly one member; it cannot be switched later.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["s3", "filesystem"], "x-slipway-one-of-fixed" = "the kind of storage cannot be switched later; create a new Registry and replicate the images to it"))]
pub struct Storage {
    /// A bucket of an S3-compatible object store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Storage>,
    /// A volume of this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<FilesystemStorage>,
}

union! {
    /// Where the content of images is kept.
    Storage, "spec.managed.storage": kind() -> StorageKind {
        /// An object store.
        s3 / "s3" => S3(S3Storage),
        /// A volume.
        filesystem / "filesystem" => Filesystem(FilesystemStorage),
    }
}

/// A bucket of an S3-compatible object store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["credentialsSecretRef", "workloadIdentity"]))]
pub struct S3Storage {
    /// The bucket. It must exist.
    #[schemars(length(min = 3, max = 63), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[a-z0-9][-a-z0-9.]*[a-z0-9]$')",
        "write a bucket's name: lower-case letters, digits, '-' and '.', such as my-registry"
    )]))]
    pub bucket: String,
    /// The region, such as `eu-central-1`. `us-east-1` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub region: Option<String>,
    /// The URL of the object store. Amazon's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), extend("x-slipway-rules" = [rule::http_url()]))]
    pub endpoint: Option<String>,
    /// A prefix of all keys in the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^[A-Za-z0-9][-A-Za-z0-9._/]*$') && !self.contains('..') && !self.contains('//')",
        "write a prefix such as registry/main, without a leading slash"
    )]))]
    pub prefix: Option<String>,
    /// Whether the bucket stands in the path and not in the host name. Most stores other than Amazon's need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_path_style: Option<bool>,
    /// Whether clients are sent to the object store for the content. `Never` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// The URL of the object store as clients reach it, for redirects. `endpoint` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), extend("x-slipway-rules" = [rule::http_url()]))]
    pub public_endpoint: Option<String>,
    /// The Secret with the credential (keys `accessKeyId` and `secretAccessKey`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
    /// Takes the credential from the identity of the pods (IRSA, EKS pod identity, GKE or Azure workload identity).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<WorkloadIdentity>,
    /// A bundle of certificates for the object store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<crate::common::CaRef>,
}

union! {
    /// How the registry authenticates with the object store.
    S3Storage, "spec.managed.storage.s3": credentials() -> S3Credentials {
        /// A key pair.
        credentials_secret_ref / "credentialsSecretRef" => Secret(SecretRef),
        /// The pods' identity.
        workload_identity / "workloadIdentity" => WorkloadIdentity(WorkloadIdentity),
    }
}

/// The identity of the pods at a cloud provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadIdentity {
    /// The role of AWS that the pods' own service account `<name>-registry` is annotated with, such as
    /// `arn:aws:iam::123456789012:role/registry`. Without it the pods run as the namespace's default service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), extend("x-slipway-rules" = [rule::rule(
        "self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$')",
        "write the ARN of a role, such as arn:aws:iam::123456789012:role/registry"
    )]))]
    pub role: Option<String>,
}

/// Whether clients are sent to the object store. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["mode", "cidrs"]))]
pub struct Redirect {
    /// The same for all clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<RedirectMode>,
    /// Only clients from these addresses are sent there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 64)), extend("x-kubernetes-list-type" = "set", "x-slipway-item-rules" = [rule::rule("isCIDR(self)", "write a range of addresses such as 10.0.0.0/8")]))]
    pub cidrs: Option<Vec<String>>,
}

union! {
    /// Which clients are sent to the object store.
    Redirect, "spec.managed.storage.s3.redirect": kind() -> RedirectKind {
        /// All or none.
        mode / "mode" => Mode(RedirectMode),
        /// Those from these addresses.
        cidrs / "cidrs" => Cidrs(Vec<String>),
    }
}

/// Whether clients are sent to the object store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RedirectMode {
    /// The registry serves the content itself.
    #[default]
    Never,
    /// Every client is sent to the object store.
    Always,
}

/// A volume of this cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilesystemStorage {
    /// The size of the volume, such as `100Gi`. It can grow but not shrink.
    #[schemars(extend("x-slipway-grow-only" = true))]
    pub size: Quantity,
    /// The storage class. The cluster's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-slipway-immutable" = true, "x-slipway-rules" = [rule::object_name()]))]
    pub storage_class_name: Option<String>,
    /// `ReadWriteOnce` (when absent) allows one serve replica, which is replaced and not rolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-slipway-immutable" = true))]
    pub access_mode: Option<AccessMode>,
}

impl FilesystemStorage {
    /// How the volume may be mounted.
    pub fn access_mode(&self) -> AccessMode {
        self.access_mode.unwrap_or_default()
    }
}

/// How a volume may be mounted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessMode {
    /// By one node at a time.
    #[default]
    ReadWriteOnce,
    /// By all nodes.
    ReadWriteMany,
}

impl AccessMode {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadWriteOnce => "ReadWriteOnce",
            Self::ReadWriteMany => "ReadWriteMany",
        }
    }
}
