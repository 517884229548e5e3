use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidChoice, NameSelector, Schedule};

/// Which artifacts a replication takes along. All filters must agree; an absent one lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationFilters {
    /// Repositories by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repositories: Option<NameSelector>,
    /// Tags by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagFilter>,
    /// Artifacts by their labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelFilter>,
    /// Kinds of artifacts. All when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub kinds: Vec<ArtifactKind>,
    /// Platforms of multi-platform images. All when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub platforms: Vec<Platform>,
}

/// Chooses tags by a glob. Set exactly one of `matches` and `excludes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["matches", "excludes"]))]
pub struct TagFilter {
    /// Takes the tags that match this glob.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub matches: Option<String>,
    /// Takes the tags that do not match this glob.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub excludes: Option<String>,
}

/// The member of [`TagFilter`] that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagFilterKind<'a> {
    /// Tags that match.
    Matches(&'a str),
    /// Tags that do not match.
    Excludes(&'a str),
}

impl TagFilter {
    /// The member that is set.
    pub fn kind(&self) -> Result<TagFilterKind<'_>, InvalidChoice> {
        InvalidChoice {
            field: "tags",
            members: "matches, excludes",
        }
        .pick([
            self.matches.as_deref().map(TagFilterKind::Matches),
            self.excludes.as_deref().map(TagFilterKind::Excludes),
        ])
    }
}

/// Chooses artifacts by labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelFilter {
    /// Takes artifacts that carry all of these labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set"))]
    pub matches: Vec<String>,
    /// Takes only artifacts that carry none of these labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set"))]
    pub excludes: Vec<String>,
}

/// A kind of artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ArtifactKind {
    /// A container image or an index of several.
    Image,
    /// A Helm chart.
    Chart,
    /// A signature.
    Signature,
    /// A software bill of materials.
    Sbom,
    /// Any other OCI artifact.
    Other,
}

/// A platform of a multi-platform image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Platform {
    /// The operating system, such as `linux`.
    #[schemars(length(min = 1, max = 64))]
    pub os: String,
    /// The architecture, such as `amd64` or `arm64`.
    #[schemars(length(min = 1, max = 64))]
    pub architecture: String,
    /// The variant of the architecture, such as `v7`. Any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub variant: Option<String>,
}

/// What starts a replication. Set exactly one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-one-of" = ["manual", "schedule", "onEvent"]))]
pub struct ReplicationTrigger {
    /// Runs only when a person or the annotation `slipway.dev/run-now` starts it. The only value is `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [true]))]
    pub manual: Option<bool>,
    /// Runs at set times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Runs when something happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_event: Option<OnEvent>,
}

/// The events that start a replication. At least one must be `true`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-slipway-rules" = [{
    "rule": "(has(self.push) && self.push) || (has(self.delete) && self.delete)",
    "message": "set push or delete to true, or use trigger.manual"
}]))]
pub struct OnEvent {
    /// An artifact was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<bool>,
    /// An artifact was deleted: it is deleted at the other end as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<bool>,
}

/// The member of [`ReplicationTrigger`] that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerKind<'a> {
    /// By hand.
    Manual,
    /// At set times.
    Schedule(&'a Schedule),
    /// On events.
    OnEvent(&'a OnEvent),
}

impl ReplicationTrigger {
    /// The member that is set.
    pub fn kind(&self) -> Result<TriggerKind<'_>, InvalidChoice> {
        InvalidChoice {
            field: "trigger",
            members: "manual, schedule, onEvent",
        }
        .pick([
            self.manual.map(|_| TriggerKind::Manual),
            self.schedule.as_ref().map(TriggerKind::Schedule),
            self.on_event.as_ref().map(TriggerKind::OnEvent),
        ])
    }
}
