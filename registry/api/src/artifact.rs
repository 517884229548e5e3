//! Artifacts, their tags and what hangs on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::label::Label;
use crate::time::Timestamp;
use crate::wire::zero;

/// An artifact: a manifest and what it points at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Artifact {
    /// Its id.
    pub id: i64,
    /// `IMAGE`, `CHART`, …, `UNKNOWN`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The config's media type; an index: its own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// The manifest's media type.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest_media_type: String,
    /// The manifest's `artifactType`, or the config's media type.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    /// Its project's id.
    pub project_id: i64,
    /// Its repository's id.
    pub repository_id: i64,
    /// Its repository's full name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository_name: String,
    /// The manifest's digest.
    pub digest: String,
    /// Bytes: manifest, config and layers; an index: itself and its children.
    #[serde(skip_serializing_if = "zero")]
    pub size: i64,
    /// The digest of a picture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// When it was last pushed.
    pub push_time: Timestamp,
    /// When it was last pulled.
    pub pull_time: Timestamp,
    /// What the config says, for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub extra_attrs: Option<serde_json::Map<String, Value>>,
    /// The manifest's annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub annotations: Option<serde_json::Map<String, Value>>,
    /// An index's children.
    pub references: Option<Vec<ArtifactReference>>,
    /// Its tags, where they were asked for: the newest, at most 1000. Its list of tags has them all.
    pub tags: Option<Vec<Tag>>,
    /// Where more can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addition_links: Option<BTreeMap<String, AdditionLink>>,
    /// Its labels, where they were asked for.
    pub labels: Option<Vec<Label>>,
    /// What refers to it (signatures, SBOMs, …), where that was asked for.
    pub accessories: Option<Vec<Accessory>>,
    /// The signatures of the indexes that it is a part of, where that was asked for. They sign the index and not its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_accessories: Option<Vec<Accessory>>,
}

/// Where more about an artifact can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AdditionLink {
    /// The path.
    pub href: String,
    /// Is it a whole URL?
    pub absolute: bool,
}

/// A child of an index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ArtifactReference {
    /// The index's id.
    #[serde(skip_serializing_if = "zero")]
    pub parent_id: i64,
    /// The child's id.
    #[serde(skip_serializing_if = "zero")]
    pub child_id: i64,
    /// The child's digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub child_digest: String,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The descriptor's annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub annotations: Option<serde_json::Map<String, Value>>,
    /// The descriptor's URLs.
    pub urls: Option<Vec<String>>,
}

/// What an image runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Platform {
    /// Such as `amd64`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub architecture: String,
    /// Such as `linux`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// Such as a release of Windows.
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// Features of the operating system.
    #[serde(rename = "os.features")]
    pub os_features: Option<Vec<String>>,
    /// Such as `v8`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// A tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Tag {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The artifact that it names.
    pub artifact_id: i64,
    /// Its repository's id.
    pub repository_id: i64,
    /// When it was last set.
    pub push_time: Timestamp,
    /// When it was last pulled.
    pub pull_time: Timestamp,
    /// Does a rule forbid to move it?
    pub immutable: bool,
}

/// A tag to set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct TagCreate {
    /// Its name.
    pub name: String,
}

/// An artifact that refers to another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Accessory {
    /// Its id.
    pub id: i64,
    /// Its own artifact's id.
    pub artifact_id: i64,
    /// The id of the artifact that it refers to; left out while that is not there.
    #[serde(skip_serializing_if = "zero")]
    pub subject_artifact_id: i64,
    /// The digest that it refers to.
    pub subject_artifact_digest: String,
    /// The repository of both.
    pub subject_artifact_repo: String,
    /// Bytes.
    pub size: i64,
    /// Its own digest.
    pub digest: String,
    /// `signature.cosign`, `signature.notation`, `sbom.harbor`, `accelerator.nydus` or `subject.accessory`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Slipway's own: its manifest's `artifactType`, or the config's media type.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    /// The digest of a picture.
    pub icon: String,
    /// When it was pushed.
    pub creation_time: Timestamp,
}

/// A step of an image's history, as its config says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct BuildHistory {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By what command.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// By whom.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Anything else.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Did it make no layer?
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub empty_layer: bool,
}
