//! Slipway's own: which Kubernetes object declares a project.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The object that declares a project. The uid decides, the rest is for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerMark {
    /// The cluster: the uid of its namespace `kube-system`, or a name.
    pub cluster: String,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The object's uid.
    pub uid: String,
}

/// A project that an object declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnedProject {
    /// The project's id.
    pub project_id: i64,
    /// The project's name.
    pub name: String,
    /// Its owner.
    pub owner: OwnerMark,
}
