//! Projects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::owner::OwnerMark;
use crate::quota::ResourceList;
use crate::time::Timestamp;
use crate::wire::zero;

/// A project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Project {
    /// Its id.
    pub project_id: i64,
    /// The user who created it.
    #[serde(skip_serializing_if = "zero")]
    pub owner_id: i64,
    /// That user's name; left out without detail.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner_name: String,
    /// Its name.
    pub name: String,
    /// The registry that a proxy cache stands for.
    #[serde(skip_serializing_if = "zero")]
    pub registry_id: i64,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// The caller's strongest role in it.
    #[serde(skip_serializing_if = "zero")]
    pub current_user_role_id: i64,
    /// All of the caller's roles in it.
    pub current_user_role_ids: Option<Vec<i64>>,
    /// How many repositories it holds.
    pub repo_count: i64,
    /// Settings, all of them texts (`public` is `true` or `false`); left out without detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Vulnerabilities that are let pass.
    pub cve_allowlist: CveAllowlist,
}

impl Project {
    /// May anyone pull from it?
    pub fn is_public(&self) -> bool {
        self.metadata
            .as_ref()
            .and_then(|m| m.get("public"))
            .is_some_and(|public| public == "true")
    }
}

/// Vulnerabilities that are let pass in a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CveAllowlist {
    /// Its id.
    #[serde(skip_serializing_if = "zero")]
    pub id: i64,
    /// The project.
    #[serde(skip_serializing_if = "zero")]
    pub project_id: i64,
    /// Until when it counts, in seconds of the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The vulnerabilities; null without detail.
    pub items: Option<Vec<CveAllowlistItem>>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

/// A vulnerability that is let pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CveAllowlistItem {
    /// Such as `CVE-2024-3094`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cve_id: String,
}

/// What a project is created with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProjectCreate {
    /// Its name.
    pub project_name: String,
    /// May anyone pull? (The older form of `metadata.public`.)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Vulnerabilities that are let pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cve_allowlist: Option<CveAllowlist>,
    /// Bytes, -1 without limit; only administrators may say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_limit: Option<i64>,
    /// The registry that a proxy cache stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_id: Option<i64>,
    /// Slipway's own: the object that declares the project, set with its creation (administrators only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_mark: Option<OwnerMark>,
}

/// What of a project is changed. Settings that are not named stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProjectUpdate {
    /// Settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Vulnerabilities that are let pass: replaces the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cve_allowlist: Option<CveAllowlist>,
}

/// Can a project be deleted?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProjectDeletable {
    /// Yes.
    #[serde(skip_serializing_if = "crate::wire::not")]
    pub deletable: bool,
    /// Why not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Counts of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProjectSummary {
    /// How many repositories it holds.
    pub repo_count: i64,
    /// Members with role 1.
    #[serde(skip_serializing_if = "zero")]
    pub project_admin_count: i64,
    /// Members with role 4.
    #[serde(skip_serializing_if = "zero")]
    pub maintainer_count: i64,
    /// Members with role 2.
    #[serde(skip_serializing_if = "zero")]
    pub developer_count: i64,
    /// Members with role 3.
    #[serde(skip_serializing_if = "zero")]
    pub guest_count: i64,
    /// Members with role 5.
    #[serde(skip_serializing_if = "zero")]
    pub limited_guest_count: i64,
    /// Limit and use, for those who may see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<SummaryQuota>,
}

/// Limit and use of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SummaryQuota {
    /// The limit.
    pub hard: ResourceList,
    /// The use.
    pub used: ResourceList,
}
