//! Scanners of projects.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The scanner that a project is to use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProjectScanner {
    /// The scanner's registration.
    pub uuid: String,
}
