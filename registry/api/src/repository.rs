//! Repositories.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// A repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Repository {
    /// Its id.
    pub id: i64,
    /// Its project's id.
    pub project_id: i64,
    /// Its full name, project included.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How many artifacts its list shows.
    pub artifact_count: i64,
    /// How often its manifests were pulled.
    pub pull_count: i64,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When something in it was last pushed or deleted.
    pub update_time: Timestamp,
}

/// What of a repository is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RepositoryUpdate {
    /// What it is for.
    pub description: String,
}
