//! Labels on artifacts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// A label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Label {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it means.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its colour, `#rrggbb`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub color: String,
    /// `g` or `p`.
    pub scope: String,
    /// The project of a label of scope `p`.
    #[serde(skip_serializing_if = "crate::wire::zero")]
    pub project_id: i64,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}
