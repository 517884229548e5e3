//! The object as it is written.

use serde::Serialize;

/// What the object says of places that the registry does not know.
pub(super) struct Target<'a> {
    /// The Registry's name.
    pub(super) registry: &'a str,
    /// Its namespace, where it is not the object's.
    pub(super) registry_namespace: Option<&'a str>,
    /// The object's namespace.
    pub(super) namespace: Option<&'a str>,
}

/// A Project.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
}

#[derive(Serialize)]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) registry_ref: RegistryRef,
    pub(super) name: String,
    pub(super) visibility: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota: Option<Quota>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) members: Option<Vec<Member>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) members_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) robots: Vec<Robot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) immutable_tags: Option<Vec<ImmutableTag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) security: Option<Security>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<Vec<Label>>,
}

#[derive(Serialize)]
pub(super) struct RegistryRef {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Quota {
    pub(super) storage: String,
}

#[derive(Serialize)]
pub(super) struct Member {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) role: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Robot {
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    pub(super) permissions: Vec<Permission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_after: Option<String>,
    pub(super) secret: RobotSecret,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disabled: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Permission {
    pub(super) resource: String,
    pub(super) actions: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct RobotSecret {
    pub(super) name: String,
}

#[derive(Serialize)]
pub(super) struct ImmutableTag {
    pub(super) repositories: String,
    pub(super) tags: String,
}

#[derive(Serialize, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Security {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scan_on_push: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generate_sbom: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prevent_vulnerable: Option<PreventVulnerable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cve_allowlist: Option<Vec<AcceptedCve>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) require_signature: Option<Vec<&'static str>>,
}

#[derive(Serialize, PartialEq)]
pub(super) struct PreventVulnerable {
    pub(super) severity: &'static str,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) struct AcceptedCve {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Label {
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) color: Option<String>,
}
