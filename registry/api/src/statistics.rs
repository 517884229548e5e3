//! Counts, the search over names, and what robots can be granted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::project::Project;
use crate::wire::{not, zero};

/// Counts over all that the caller may see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Statistics {
    /// Private projects that the caller is a member of.
    pub private_project_count: i64,
    /// Their repositories.
    pub private_repo_count: i64,
    /// Public projects.
    pub public_project_count: i64,
    /// Their repositories.
    pub public_repo_count: i64,
    /// All projects; 0 unless the caller is an administrator.
    pub total_project_count: i64,
    /// All repositories; 0 unless the caller is an administrator.
    pub total_repo_count: i64,
    /// Bytes in use; 0 unless the caller is an administrator.
    pub total_storage_consumption: i64,
}

/// What a search over names found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Search {
    /// Projects.
    pub project: Vec<Project>,
    /// Repositories.
    pub repository: Vec<SearchRepository>,
}

/// A repository that a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SearchRepository {
    /// The project's id.
    #[serde(skip_serializing_if = "zero")]
    pub project_id: i64,
    /// The project's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub project_name: String,
    /// Is the project public?
    #[serde(skip_serializing_if = "not")]
    pub project_public: bool,
    /// The full name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository_name: String,
    /// Pulls.
    #[serde(skip_serializing_if = "zero")]
    pub pull_count: i64,
    /// Artifacts.
    #[serde(skip_serializing_if = "zero")]
    pub artifact_count: i64,
}

/// A resource and an action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Permission {
    /// The resource.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// The action.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
}

/// What robots can be granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct GrantablePermissions {
    /// On the system; null for callers who are no administrators.
    pub system: Option<Vec<Permission>>,
    /// On a project.
    pub project: Option<Vec<Permission>>,
}
