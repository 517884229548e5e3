use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slipway_model::policy::HumanDuration;

use crate::common::rule;

/// An account for machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [
    rule::rule(
        "!has(self.rotation) || has(self.expiresAfter)",
        "rotation needs expiresAfter: a token that never ends is never rotated"
    ),
    rule::rule(
        format!(
            "!has(self.rotation) || !has(self.expiresAfter) || {} < {}",
            rule::seconds("self.rotation.rotateBefore"),
            rule::seconds("self.expiresAfter")
        ),
        "rotation.rotateBefore must be shorter than expiresAfter"
    ),
    rule::rule(
        "!has(self.attachToServiceAccounts) || size(self.attachToServiceAccounts) == 0 || !has(self.secret.type) || self.secret.type == 'dockerconfigjson'",
        "attachToServiceAccounts needs secret.type: dockerconfigjson"
    )
]))]
pub struct Robot {
    /// The robot's name, without the registry's prefix.
    #[schemars(length(min = 1, max = 128), extend("x-slipway-rules" = [rule::robot_name()]))]
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub description: Option<String>,
    /// What it may do.
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub permissions: Vec<RobotPermission>,
    /// How long a token lives, such as `90d`. For ever when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<HumanDuration>,
    /// When a token is replaced by a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// The Secret that the operator writes.
    pub secret: RobotSecret,
    /// Service accounts of this namespace that get the Secret for pulling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set", "x-slipway-item-rules" = [rule::object_name()]))]
    pub attach_to_service_accounts: Vec<String>,
    /// Stops the robot from logging in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// What a robot may do with one kind of thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [rule::rule(
    "!has(self.repositories) || self.resource == 'repository'",
    "repositories narrows the resource repository only; remove it or set resource: repository"
)]))]
pub struct RobotPermission {
    /// The kind of thing.
    pub resource: RobotResource,
    /// What may be done with it.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub actions: Vec<RobotAction>,
    /// Repositories of the project, as globs. All when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 256)), extend("x-kubernetes-list-type" = "set", "x-slipway-item-rules" = [rule::no_parent_path()]))]
    pub repositories: Vec<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As Harbor's API and YAML write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

words! {
    /// A kind of thing that a robot may be let at.
    RobotResource {
        /// Repositories and their content.
        #[default]
        Repository = "repository",
        /// Artifacts.
        Artifact = "artifact",
        /// Further information about artifacts, such as build history.
        ArtifactAddition = "artifact-addition",
        /// Labels on artifacts.
        ArtifactLabel = "artifact-label",
        /// Signatures and other artifacts that belong to an artifact.
        Accessory = "accessory",
        /// Tags.
        Tag = "tag",
        /// Scans.
        Scan = "scan",
        /// Software bills of materials.
        Sbom = "sbom",
        /// The choice of scanner.
        Scanner = "scanner",
        /// The project itself.
        Project = "project",
        /// The project's settings.
        Metadata = "metadata",
        /// Members.
        Member = "member",
        /// Labels.
        Label = "label",
        /// Quotas.
        Quota = "quota",
        /// Robots.
        Robot = "robot",
        /// Rules for immutable tags.
        ImmutableTag = "immutable-tag",
        /// Rules of retention.
        TagRetention = "tag-retention",
        /// Webhooks.
        NotificationPolicy = "notification-policy",
        /// Preheating.
        PreheatPolicy = "preheat-policy",
        /// The audit log.
        Log = "log",
        /// Exports of vulnerabilities.
        ExportCve = "export-cve",
    }
}

words! {
    /// What a robot may do.
    RobotAction {
        /// Pull.
        #[default]
        Pull = "pull",
        /// Push.
        Push = "push",
        /// Create.
        Create = "create",
        /// Read.
        Read = "read",
        /// Change.
        Update = "update",
        /// Delete.
        Delete = "delete",
        /// List.
        List = "list",
        /// Stop what runs.
        Stop = "stop",
        /// Start or steer what runs.
        Operate = "operate",
    }
}

/// When a token is replaced by a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// How long before its end a token is replaced, such as `14d`. It must be shorter than `expiresAfter`.
    pub rotate_before: HumanDuration,
    /// How long the old token still works beside the new one, such as `24h`. Until its end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<HumanDuration>,
}

/// The Secret that the operator writes for a robot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RobotSecret {
    /// The name of the Secret. One that exists and was not made for this robot is never touched.
    #[schemars(length(min = 1, max = 253), extend("x-slipway-rules" = [rule::object_name()]))]
    pub name: String,
    /// The form of the Secret. `dockerconfigjson` when absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<RobotSecretType>,
}

impl RobotSecret {
    /// The form of the Secret.
    pub fn secret_type(&self) -> RobotSecretType {
        self.type_.unwrap_or_default()
    }
}

/// The form of a robot's Secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RobotSecretType {
    /// A pull Secret of type `kubernetes.io/dockerconfigjson`.
    #[default]
    #[serde(rename = "dockerconfigjson")]
    DockerConfigJson,
    /// Type `kubernetes.io/basic-auth` with `username` and `password`.
    #[serde(rename = "basic-auth")]
    BasicAuth,
    /// Type `Opaque` with `username`, `password` and `registry`.
    #[serde(rename = "opaque")]
    Opaque,
}

impl RobotSecretType {
    /// The type of the Secret as Kubernetes names it.
    pub fn kubernetes_type(self) -> &'static str {
        match self {
            Self::DockerConfigJson => "kubernetes.io/dockerconfigjson",
            Self::BasicAuth => "kubernetes.io/basic-auth",
            Self::Opaque => "Opaque",
        }
    }
}
