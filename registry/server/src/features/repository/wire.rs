//! From rows to what is answered. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use slipway_api::{
    Accessory, AdditionLink, Artifact, ArtifactReference, BuildHistory, Platform, Repository, Tag,
};
use slipway_model::RepositoryName;

use super::artifact::kind;
use super::artifact::store::{AccessoryRow, ArtifactRow, ChildRow};
use super::store::RepositoryRow;
use super::tag::store::TagRow;

/// Where an artifact is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) project_id: i64,
    pub(super) repository_id: i64,
    pub(super) repository: &'a RepositoryName,
}

pub(super) fn repository(row: RepositoryRow) -> Repository {
    Repository {
        id: row.id,
        project_id: row.project_id,
        name: row.name,
        description: row.description,
        artifact_count: row.artifact_count,
        pull_count: row.pull_count,
        creation_time: row.created_at.into(),
        update_time: row.updated_at.into(),
    }
}

pub(super) fn artifact(site: Site<'_>, row: ArtifactRow) -> Artifact {
    let kind = kind::of(
        row.is_index,
        row.artifact_type.as_deref(),
        row.config_media_type.as_deref(),
    );
    let image = kind::is_image_config(row.config_media_type.as_deref());
    Artifact {
        id: row.id,
        icon: kind::picture(&kind).to_owned(),
        kind,
        media_type: row.config_media_type.unwrap_or_else(|| row.media_type.clone()),
        manifest_media_type: row.media_type,
        artifact_type: row.artifact_type.unwrap_or_default(),
        project_id: site.project_id,
        repository_id: site.repository_id,
        repository_name: site.repository.to_string(),
        addition_links: image.then(|| links(site.repository, &row.digest)),
        digest: row.digest,
        size: row.content_size,
        push_time: row.push_time.into(),
        pull_time: row.pull_time.into(),
        extra_attrs: row.config.and_then(|config| extra_attrs(config, image)),
        annotations: object(row.annotations),
        references: None,
        tags: None,
        labels: None,
        accessories: None,
        inherited_accessories: None,
    }
}

/// Of an image's config what people look for, of other configs everything.
fn extra_attrs(config: Value, image: bool) -> Option<Map<String, Value>> {
    const SHOWN: &[&str] = &["architecture", "author", "config", "created", "os"];
    let Value::Object(mut config) = config else {
        return None;
    };
    if image {
        config.retain(|name, value| SHOWN.contains(&name.as_str()) && !value.is_null());
    }
    (!config.is_empty()).then_some(config)
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) if !map.is_empty() => Some(map),
        _ => None,
    }
}

fn links(repository: &RepositoryName, digest: &str) -> BTreeMap<String, AdditionLink> {
    let path = repository.path().replace('/', "%252F");
    let project = repository.project();
    let href = format!(
        "/api/v2.0/projects/{project}/repositories/{path}/artifacts/{digest}/additions/build_history"
    );
    BTreeMap::from([(
        "build_history".to_owned(),
        AdditionLink {
            href,
            absolute: false,
        },
    )])
}

pub(super) fn reference(row: ChildRow) -> ArtifactReference {
    let descriptor = row.descriptor.unwrap_or_default();
    let texts = |value: &Value| {
        value
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    let platform = descriptor.get("platform").map(|platform| {
        let text = |name: &str| {
            platform
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Platform {
            architecture: text("architecture"),
            os: text("os"),
            os_version: text("os.version"),
            os_features: platform.get("os.features").and_then(texts),
            variant: text("variant"),
        }
    });
    ArtifactReference {
        parent_id: row.parent_id,
        child_id: row.child_id.unwrap_or_default(),
        child_digest: row.digest,
        platform,
        annotations: descriptor.get("annotations").cloned().and_then(object),
        urls: descriptor.get("urls").and_then(texts),
    }
}

pub(super) fn accessory(repository: &RepositoryName, row: AccessoryRow) -> Accessory {
    let (kind, icon) = kind::of_accessory(row.artifact_type.as_deref());
    Accessory {
        id: row.id,
        artifact_id: row.id,
        subject_artifact_id: row.subject_id.unwrap_or_default(),
        subject_artifact_digest: row.subject_digest,
        subject_artifact_repo: repository.to_string(),
        size: row.content_size,
        digest: row.digest,
        kind: kind.to_owned(),
        artifact_type: row.artifact_type.unwrap_or_default(),
        icon: icon.to_owned(),
        creation_time: row.push_time.into(),
    }
}

pub(super) fn tag(row: TagRow) -> Tag {
    Tag {
        id: row.id,
        name: row.name,
        artifact_id: row.manifest_id,
        repository_id: row.repository_id,
        push_time: row.push_time.into(),
        pull_time: row.pull_time.into(),
        immutable: false,
    }
}

/// The steps of an image's history; what is none is left out.
pub(super) fn history(value: Option<Value>) -> Vec<BuildHistory> {
    let Some(Value::Array(steps)) = value else {
        return Vec::new();
    };
    steps
        .into_iter()
        .filter_map(|step| serde_json::from_value(step).ok())
        .collect()
}
