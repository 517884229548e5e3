//! The body of every answer with a 4xx or 5xx status.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of an error answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong, one entry as a rule.
    pub errors: Vec<ErrorEntry>,
}

/// One error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ErrorEntry {
    /// A word for programs, such as `NOT_FOUND`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// More for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub detail: Option<serde_json::Value>,
}
